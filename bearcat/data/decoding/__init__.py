"""Decoding under a restriction: which texts are allowed, and the best path of a network's output among them."""
