"""How the pretrained weights were made, from images that are drawn and labelled by programs alone."""
