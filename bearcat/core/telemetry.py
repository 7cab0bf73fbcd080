"""Switches off the telemetry of packages."""

import os

# read when the package is imported, or when it starts
SWITCHES = {
    "ORT_DISABLE_TELEMETRY": "1",  # ONNX Runtime 1.29 and later: contacts its vendor, and writes a device identifier
    "GRADIO_ANALYTICS_ENABLED": "False",  # looks for new versions, too
    "HF_HUB_DISABLE_TELEMETRY": "1",  # huggingface_hub, which gradio imports
}


def switch_off_telemetry() -> None:
    """Sets SWITCHES in the environment, for this process and those it starts; a value of the user's own stays."""
    for name, value in SWITCHES.items():
        os.environ.setdefault(name, value)
