"""The workshop behind the scripts: plain values in, plain values out; never reads settings.py, never imports upward."""

__version__ = "0.1.0"
