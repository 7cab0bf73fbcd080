"""The table of optimizers: name → where its class is. Free of Keras, so that any script can check a name.

Not in it: Ftrl, whose weights in Keras are a sum times the learning rate and shrink whenever that is lowered, and
Adadelta, which wants a learning rate of 1 where the others want a thousandth.
"""

# name → module and class
OPTIMIZER_NAMES: dict[str, tuple[str, str]] = {
    "AdamW": ("keras.optimizers", "AdamW"),
    "AdaBelief": ("bearcat.optimizers", "AdaBelief"),
    "Adam": ("keras.optimizers", "Adam"),
    "SGD": ("keras.optimizers", "SGD"),
    "RMSprop": ("keras.optimizers", "RMSprop"),
    "Nadam": ("keras.optimizers", "Nadam"),
    "Lion": ("keras.optimizers", "Lion"),
    "Adamax": ("keras.optimizers", "Adamax"),
    "Adagrad": ("keras.optimizers", "Adagrad"),
    "Adafactor": ("keras.optimizers", "Adafactor"),
    "Lamb": ("keras.optimizers", "Lamb"),
    "Muon": ("keras.optimizers", "Muon"),
}
