"""The library behind the scripts: ten packages on floors, whose imports only go down."""

__version__ = "0.1.0"
