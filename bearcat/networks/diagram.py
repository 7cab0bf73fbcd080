"""The diagram of a network as an image file."""

from pathlib import Path

import keras


def write_diagram(model: keras.Model, file: Path) -> bool:
    """Draws a network with shapes and activations; returns False if graphviz or pydot is not installed."""
    try:
        keras.utils.plot_model(model, file, show_shapes=True, show_layer_activations=True)
    except (ImportError, OSError):
        return False
    return True
