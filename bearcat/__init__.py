"""The library behind the scripts: ten packages on floors, whose imports only go down."""

from bearcat.core.installation import explain_missing_packages
from bearcat.core.telemetry import switch_off_telemetry

__version__ = "0.1.0"

explain_missing_packages()
switch_off_telemetry()  # before any part of the library imports the packages
