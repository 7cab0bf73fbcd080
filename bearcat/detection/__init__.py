"""Detection: from a picture to what it shows and where. Only network, losses, metrics and data import Keras."""
