"""Step 6: the networks, one builder a mode. Run by itself it shows the network of the active work.

Reads:  settings, num_classes.json
Writes: model.png, a summary on the screen
Next:   python train.py
"""

from bearcat.backbones import MOMENTUM, load_backbone
from bearcat.command_line import Step, make_parser, open_step, run, tell
from bearcat.devices import silence, start_tensorflow
from bearcat.images import InputSpec
from bearcat.vocabulary import Vocabulary

with silence():
    import keras
    from keras import layers

    from bearcat.layers import PositionEmbedding
    from bearcat.metrics import ExactMatch

CONTEXT_FILTERS = 128
DILATIONS = (1, 3, 9)


def build_ordinary(backbone: str, spec: InputSpec, rows: int, captcha_length: int, lr: float) -> keras.Model:
    """Return a network with logits (N, CAPTCHA_LENGTH, rows): one class, or blank, for each position."""
    pixels = keras.Input(spec.shape, name="pixels")
    columns = read_along_width(look_at(pixels, backbone))
    # each position looks at the columns that it finds its character in
    scores = layers.Dense(captcha_length)(PositionEmbedding()(columns))
    positions = layers.Dot(axes=1)([layers.Softmax(axis=1)(scores), columns])
    logits = layers.Dense(rows, dtype="float32", name="logits")(positions)
    model = keras.Model(pixels, logits, name="ordinary")
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    return compile_model(model, loss, "ORDINARY", lr)


def build_ctc(backbone: str, spec: InputSpec, rows: int, captcha_length: int, lr: float) -> keras.Model:
    """Return a network with logits (N, W/4, rows): one class, or blank, for each time step; labels of any length."""
    pixels = keras.Input(spec.shape, name="pixels")
    columns = read_along_width(look_at(pixels, backbone))
    logits = layers.Dense(rows, dtype="float32", name="logits")(columns)
    model = keras.Model(pixels, logits, name="ctc")
    return compile_model(model, keras.losses.CTC(), "CTC", lr)


BUILDERS = {"ORDINARY": build_ordinary, "CTC": build_ctc}


def look_at(pixels, backbone: str):
    """Return the backbone's features of pixels in 0 … 255."""
    return load_backbone(backbone)(layers.Rescaling(1 / 127.5, offset=-1.0)(pixels))


def read_along_width(features):
    """Return columns (N, W', filters) from features (N, H', W', C), each aware of all that lies around it.

    Three residual convolutions, dilated to see 26 columns to either side, do what recurrent layers usually do here:
    on a CPU a step with two bidirectional LSTMs took twice as long. Without the dilation ORDINARY, which must know
    how many characters stand to the left, learns slowly.
    """
    height, width, filters = features.shape[1:]
    columns = layers.Reshape((width, height * filters))(layers.Permute((2, 1, 3))(features))
    columns = norm_relu(layers.Dense(CONTEXT_FILTERS, use_bias=False)(columns))
    for dilation in DILATIONS:
        change = layers.Conv1D(CONTEXT_FILTERS, 5, padding="same", dilation_rate=dilation, use_bias=False)(columns)
        columns = layers.Add()([columns, norm_relu(change)])
    return layers.Dropout(0.2)(columns)


def norm_relu(inputs):
    """Return ReLU(BatchNorm(inputs))."""
    return layers.Activation("relu")(layers.BatchNormalization(momentum=MOMENTUM)(inputs))


def compile_model(model: keras.Model, loss: keras.losses.Loss, mode: str, lr: float) -> keras.Model:
    """Make a network ready to train; its gradients are clipped since CTC's first ones are large."""
    optimizer = keras.optimizers.AdamW(lr, weight_decay=1e-4, clipnorm=1.0)
    optimizer.build(model.trainable_variables)  # else the training step is traced a second time to make them
    # XLA makes a step slower on a CPU, and CTC's loss has no XLA form
    model.compile(optimizer, loss, metrics=[ExactMatch(mode)], jit_compile=False)
    return model


def build_model(mode: str, backbone: str, spec: InputSpec, rows: int, captcha_length: int, lr: float) -> keras.Model:
    """Return the compiled network of a mode for a vocabulary of so many rows, the blank's included."""
    return BUILDERS[mode](backbone, spec, rows, captcha_length, lr)


def draw(model: keras.Model, step: Step) -> None:
    """Write model.png where graphviz is installed, else say how to get it."""
    try:
        keras.utils.plot_model(model, step.work.path / "model.png", show_shapes=True, show_layer_activations=True)
        tell(f"Drawn: {step.work.path / 'model.png'}")
    except (ImportError, OSError):
        tell("No model.png: it needs graphviz (Debian: apt-get install graphviz) and pip install pydot")


def main() -> None:
    """Show the network of a work."""
    step = open_step(make_parser(__doc__))
    settings = step.settings
    vocabulary = Vocabulary.load(step.work.vocabulary_file)
    start_tensorflow(use_gpu=False)  # to show a network takes none
    spec = InputSpec(settings.IMAGE_HEIGHT, settings.IMAGE_WIDTH, settings.IMAGE_CHANNALS)
    model = build_model(settings.MODE, settings.BACKBONE, spec, len(vocabulary), settings.CAPTCHA_LENGTH, settings.LR)
    model.summary(print_fn=tell)
    tell(f"{model.count_params():,} parameters, without the optimizer's")
    draw(model, step)
    step.next("python train.py", "train it")


if __name__ == "__main__":
    run(main)
