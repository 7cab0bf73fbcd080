"""Step 6: the networks, one builder a mode. Run by itself it shows the network of the active work.

Reads:  settings, num_classes.json
Writes: model.png, a summary on the screen
Next:   python train.py
"""

from dataclasses import replace

from bearcat.artifacts.card import Card
from bearcat.artifacts.pretrained import backbone_to_train
from bearcat.cli import Step, echo, make_parser, open_step, run
from bearcat.core.devices import Device, choose_precision, set_precision, silence, start_tensorflow
from bearcat.data.vocabulary import Vocabulary
from bearcat.detection.configs import DETECTORS
from bearcat.modes import MODES, choose_backbone
from bearcat.networks.registry import is_depthwise, is_own, sight_of
from bearcat.training.config import Recipe

with silence():
    import keras
    from keras import layers

    from bearcat.detection.network import build_detector
    from bearcat.networks.backbones.adapt import IMAGE_STRIDES, MOMENTUM, TEXT_STRIDES, fitted_network
    from bearcat.networks.layers import FusedBatchNormalization, ManyLogits, PositionEmbedding, Sight
    from bearcat.networks.optimizers import make_optimizer
    from bearcat.training.sanity_check import training_bytes

WEIGHT_DECAY = 2e-2
CONTEXT_FILTERS, TINY_CONTEXT_FILTERS = 128, 64
MANY_ROWS = 512  # of a vocabulary: from here on the head's share of a step is felt
# how far apart the columns lie that each convolution along the width looks at
NEAR_CONTEXT = (1, 2)
FAR_CONTEXT = (3, 9)


def build_ordinary(card: Card) -> keras.Model:
    """Return a network with logits (N, CAPTCHA_LENGTH, rows): one class, or blank, for each position."""
    pixels = keras.Input(card.spec.shape, name="pixels")
    columns = read_columns(look_at_text(pixels, card.backbone), CONTEXT_FILTERS)
    return keras.Model(pixels, make_head(card)(find_positions(columns, card.captcha_length)), name="ordinary")


def build_num_classes(card: Card) -> keras.Model:
    """Return a network with logits (N, 1, rows): one class for the whole image."""
    pixels = keras.Input(card.spec.shape, name="pixels")
    features = layers.GlobalAveragePooling2D()(look_at(pixels, card.backbone, IMAGE_STRIDES))
    whole = layers.Reshape((1, features.shape[-1]))(layers.Dropout(0.3)(features))
    return keras.Model(pixels, make_head(card)(whole), name="num_classes")


def build_ctc(card: Card, filters: int = CONTEXT_FILTERS) -> keras.Model:
    """Return a network with logits (N, steps, rows): one class, or blank, for each time step; labels of any length."""
    pixels = keras.Input(card.spec.shape, name="pixels")
    columns = read_columns(look_at_text(pixels, card.backbone), filters)
    return keras.Model(pixels, make_head(card)(columns), name=card.mode.lower())


def build_ctc_tiny(card: Card) -> keras.Model:
    """Return what build_ctc returns, with half the filters along the width."""
    return build_ctc(card, TINY_CONTEXT_FILTERS)


def build_efficientdet(card: Card) -> keras.Model:
    """Return a network with outputs (N, anchors, 4 + classes): corrections of each anchor's box, and logits."""
    pixels = keras.Input(card.spec.shape, name="pixels")
    scaled = layers.Rescaling(1 / 127.5, offset=-1.0)(pixels)
    outputs = build_detector(scaled, DETECTORS[card.backbone], len(card.characters))
    return keras.Model(pixels, outputs, name="efficientdet")


BUILDERS = {
    "ORDINARY": build_ordinary,
    "NUM_CLASSES": build_num_classes,
    "CTC": build_ctc,
    "CTC_TINY": build_ctc_tiny,
    "EFFICIENTDET": build_efficientdet,
}


def look_at(pixels, backbone: str, strides=TEXT_STRIDES):
    """Return the backbone's features of pixels in 0 … 255."""
    network = fitted_network(backbone, pixels.shape[1:], strides)
    return network(layers.Rescaling(1 / 127.5, offset=-1.0)(pixels))


def look_at_text(pixels, backbone: str):
    """Return the features of an image of text; our own networks see all text at one height, as their base did."""
    if is_own(backbone):
        pixels = Sight(*sight_of(*pixels.shape[1:3]), name="sight")(pixels)
    return look_at(pixels, backbone)


def make_head(card: Card) -> layers.Layer:
    """Return what turns features (N, positions or steps, filters) into logits (N, positions or steps, rows)."""
    rows = len(card.vocabulary)
    quick = rows >= MANY_ROWS and keras.config.dtype_policy().compute_dtype == "bfloat16"
    return (ManyLogits if quick else layers.Dense)(rows, dtype="float32", name="logits")


def read_columns(features, filters: int):
    """Return columns (N, W', filters) from features (N, H', W', C), each aware of its neighbours.

    Residual convolutions do what recurrent layers usually do here: on a CPU a step with two bidirectional LSTMs took
    twice as long. With the 6 columns to either side that NEAR_CONTEXT sees, some 24 pixels, a network leaves CTC's
    plateau sooner and reads strange words better (zfjw: 95 → 98 %), since it cannot learn whole labels by heart.
    """
    height, width, depth = features.shape[1:]
    columns = layers.Reshape((width, height * depth))(layers.Permute((2, 1, 3))(features))
    columns = norm_relu(layers.Dense(filters, use_bias=False, name="columns")(columns), "columns")
    return layers.Dropout(0.2)(widen(columns, NEAR_CONTEXT, "near"))


def find_positions(columns, count: int):
    """Return features (N, count, filters): of each character in order, what its columns show.

    Only where to look is decided by all of the width; what stands there is read from near columns.
    """
    scores = layers.Dense(count, name="positions")(PositionEmbedding()(widen(columns, FAR_CONTEXT, "far")))
    return layers.Dot(axes=1)([layers.Softmax(axis=1)(scores), columns])


def widen(columns, dilations: tuple[int, ...], name: str):
    """Return columns (N, W', filters) after residual convolutions that let each see further."""
    for dilation in dilations:
        title = f"{name}{dilation}"
        convolution = layers.Conv1D(
            columns.shape[-1], 5, padding="same", dilation_rate=dilation, use_bias=False, name=title
        )
        columns = layers.Add()([columns, norm_relu(convolution(columns), title)])
    return columns


def norm_relu(inputs, name: str):
    """Return ReLU(BatchNorm(inputs))."""
    return layers.Activation("relu")(FusedBatchNormalization(momentum=MOMENTUM, name=f"{name}_norm")(inputs))


def compile_model(model: keras.Model, card: Card, recipe: Recipe) -> keras.Model:
    """Make a network ready to train; its gradients are clipped since CTC's first ones are large."""
    optimizer = make_optimizer(recipe.optimizer, recipe.lr, WEIGHT_DECAY, recipe.weight_average, recipe.rectify)
    optimizer.build(model.trainable_variables)  # else the training step is traced a second time to make them
    mode = MODES[card.mode]
    loss = mode.make_loss(card, recipe.label_smoothing)
    # XLA makes a step slower on a CPU, and CTC's loss has no XLA form
    model.compile(optimizer, loss, metrics=[mode.make_metric(card)], jit_compile=False)
    return model


def build_model(card: Card, recipe: Recipe) -> keras.Model:
    """Return the compiled network that a card describes."""
    return compile_model(BUILDERS[card.mode](card), card, recipe)


def build_for(card: Card, recipe: Recipe, device: Device, replicas: int = 1) -> tuple[keras.Model, Card, Recipe]:
    """Return the compiled network for what computes here, with card and recipe that say what 'auto' came to."""
    backbone = choose_backbone(card.backbone, card.mode, device.has_gpu)
    precision = choose_precision(recipe.precision, device.has_gpu, is_depthwise(backbone), replicas)
    set_precision(precision)
    card, recipe = replace(card, backbone=backbone), replace(recipe, precision=precision)
    return build_model(card, recipe), card, recipe


def draw(model: keras.Model, step: Step) -> None:
    """Write model.png where graphviz is installed, else say how to get it."""
    try:
        keras.utils.plot_model(model, step.work.path / "model.png", show_shapes=True, show_layer_activations=True)
        echo(f"Drawn: {step.work.path / 'model.png'}")
    except (ImportError, OSError):
        echo("No model.png: it needs graphviz (Debian: apt-get install graphviz) and pip install pydot")


def main() -> None:
    """Show the network of a work."""
    step = open_step(make_parser(__doc__))
    settings = step.settings
    vocabulary = Vocabulary.load(step.work.vocabulary_file)
    device = start_tensorflow(settings.USE_GPU)
    card, recipe = Card.from_settings(settings, vocabulary, device.has_gpu), Recipe.from_settings(settings)
    folder = step.work.folder("weight")
    card = replace(card, backbone=backbone_to_train(card, device.has_gpu, folder, settings.WEIGHTS))
    model, card, recipe = build_for(card, recipe, device)
    model.summary(print_fn=echo)
    echo(f"{card.mode} with {card.backbone} in {recipe.precision}")
    echo(f"{model.count_params():,} parameters, without the optimizer's")
    gigabytes = training_bytes(model, settings.BATCH_SIZE) / 1e9
    echo(f"Training takes about {gigabytes:.1f} GB of memory with BATCH_SIZE = {settings.BATCH_SIZE}")
    draw(model, step)
    step.next("python train.py", "train it")


if __name__ == "__main__":
    run(main)
