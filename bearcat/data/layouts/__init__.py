"""Layouts of a text (setting LAYOUT): where images are cut, and how the parts make one line."""
