"""A sweep: generated captchas with one key of their configuration changed at a time, and what machines read of each."""
