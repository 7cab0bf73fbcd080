"""The backbones, one module per family: `build(name, inputs)` returns the features of those in its `VARIANTS`."""
