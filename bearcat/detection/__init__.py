"""Detection: from an image to what it shows and where. Only network, losses, metrics and data import Keras."""
