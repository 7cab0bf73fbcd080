"""Step 6: the networks, one builder per mode. Run as a script, it shows the network of the active work.

Reads:  settings, num_classes.json
Writes: model.png; prints a summary
Next:   python train.py
"""

from dataclasses import replace

from bearcat.artifacts.card import Card
from bearcat.artifacts.pretrained import resolve_backbone, resolve_preprocessing
from bearcat.cli import echo, make_parser, open_step, run
from bearcat.core.devices import Device, choose_precision, set_precision, silence, start_tensorflow
from bearcat.data.vocabulary import Vocabulary
from bearcat.detection.configs import DETECTORS
from bearcat.modes import MODES, choose_backbone
from bearcat.networks.registry import input_size_for, is_depthwise, is_light, load_backbone_module
from bearcat.training.config import TrainingConfig

with silence():
    import keras
    from keras import layers

    from bearcat.detection.network import build_detector
    from bearcat.networks.backbones.adapt import IMAGE_STRIDES, MOMENTUM, TEXT_STRIDES, adapt_backbone
    from bearcat.networks.diagram import write_diagram
    from bearcat.networks.layers import (
        AppendGreyness,
        FusedBatchNormalization,
        ManyLogits,
        PositionEmbedding,
        ResizeBilinear,
    )
    from bearcat.networks.optimizers import make_optimizer
    from bearcat.training.sanity_check import training_bytes

WEIGHT_DECAY = 2e-2
CONTEXT_FILTERS, TINY_CONTEXT_FILTERS = 128, 64
# dilation of each convolution along the width
NEAR_CONTEXT = (1, 2)
FAR_CONTEXT = (3, 9)
RGB = 3  # channels
LARGE_VOCABULARY = 512  # entries from which the output layer takes a noticeable part of a training step


def build_ordinary(card: Card) -> keras.Model:
    """Builds a network with logits (N, CAPTCHA_LENGTH, classes): a character or blank per position."""
    pixels = keras.Input(card.spec.shape, name="pixels")
    columns = encode_sequence(extract_text_features(pixels, card), CONTEXT_FILTERS)
    return keras.Model(pixels, make_head(card)(attend_positions(columns, card.captcha_length)), name="ordinary")


def build_num_classes(card: Card) -> keras.Model:
    """Builds a network with logits (N, 1, classes): one class for the whole image."""
    pixels = keras.Input(card.spec.shape, name="pixels")
    features = layers.GlobalAveragePooling2D()(extract_features(pixels, card, IMAGE_STRIDES))
    features = layers.Reshape((1, features.shape[-1]))(layers.Dropout(0.3)(features))
    return keras.Model(pixels, make_head(card)(features), name="num_classes")


def build_ctc(card: Card, filters: int = CONTEXT_FILTERS) -> keras.Model:
    """Builds a network with logits (N, steps, classes): a character or blank per time step, for text of any length."""
    pixels = keras.Input(card.spec.shape, name="pixels")
    columns = encode_sequence(extract_text_features(pixels, card), filters)
    return keras.Model(pixels, make_head(card)(columns), name=card.mode.lower())


def build_ctc_tiny(card: Card) -> keras.Model:
    """Builds a network like build_ctc's with half the filters."""
    return build_ctc(card, TINY_CONTEXT_FILTERS)


def build_efficientdet(card: Card) -> keras.Model:
    """Builds a network with outputs (N, anchors, 4 + classes): box offsets from each anchor, and class logits."""
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


def extract_features(pixels, card: Card, strides=TEXT_STRIDES):
    """Applies a card's backbone to pixels (N, H, W, C) in 0 … 255; returns features (N, H', W', filters)."""
    if card.preprocessing:
        scaled = load_backbone_module(card.backbone).scale_for_imagenet(card.backbone, pixels)
    else:
        scaled = layers.Rescaling(1 / 127.5, offset=-1.0)(pixels)
    return adapt_backbone(card.backbone, scaled.shape[1:], strides)(scaled)


def extract_text_features(pixels, card: Card):
    """Like extract_features; the light backbones see images resized to the height they were pretrained with.

    Of colour images they see the greyness as a fourth channel, see `bearcat.artifacts.colour_mix`.
    """
    if is_light(card.backbone):
        pixels = ResizeBilinear(*input_size_for(*pixels.shape[1:3]), name="sight")(pixels)
        if pixels.shape[-1] == RGB:
            pixels = AppendGreyness(name="greyness")(pixels)
    return extract_features(pixels, card)


def encode_sequence(features, filters: int):
    """Turns features (N, H', W', C) into a sequence of columns (N, W', filters), each aware of its neighbours.

    Residual convolutions take the place of the usual recurrent layers: on a CPU a step with two bidirectional LSTMs
    took twice as long. NEAR_CONTEXT sees 6 columns, about 24 pixels, to either side. With so little context a network
    leaves CTC's plateau sooner and generalises better to new words (zfjw: 95 → 98 %), as it cannot memorise labels.
    """
    height, width, depth = features.shape[1:]
    columns = layers.Reshape((width, height * depth))(layers.Permute((2, 1, 3))(features))
    columns = norm_relu(layers.Dense(filters, use_bias=False, name="columns")(columns), "columns")
    return layers.Dropout(0.2)(dilated_context(columns, NEAR_CONTEXT, "near"))


def attend_positions(columns, count: int):
    """Pools columns (N, W', filters) by attention into one vector per character position (N, count, filters).

    The attention weights depend on the whole width, the pooled values only on near columns.
    """
    scores = layers.Dense(count, name="positions")(PositionEmbedding()(dilated_context(columns, FAR_CONTEXT, "far")))
    return layers.Dot(axes=1)([layers.Softmax(axis=1)(scores), columns])


def dilated_context(columns, dilations: tuple[int, ...], name: str):
    """Widens the context of columns (N, W', filters) by a residual convolution per dilation."""
    for dilation in dilations:
        layer_name = f"{name}{dilation}"
        convolution = layers.Conv1D(
            columns.shape[-1], 5, padding="same", dilation_rate=dilation, use_bias=False, name=layer_name
        )
        columns = layers.Add()([columns, norm_relu(convolution(columns), layer_name)])
    return columns


def norm_relu(inputs, name: str):
    """Batch normalization and ReLU."""
    return layers.Activation("relu")(FusedBatchNormalization(momentum=MOMENTUM, name=f"{name}_norm")(inputs))


def make_head(card: Card) -> layers.Layer:
    """Creates the output layer, from features (N, positions or steps, filters) to logits (N, …, classes)."""
    classes = len(card.vocabulary)
    is_bfloat16 = keras.config.dtype_policy().compute_dtype == "bfloat16"
    layer = ManyLogits if is_bfloat16 and classes >= LARGE_VOCABULARY else layers.Dense
    return layer(classes, dtype="float32", name="logits")


def build_model(card: Card, config: TrainingConfig) -> keras.Model:
    """Builds and compiles the network that a card describes."""
    return compile_model(BUILDERS[card.mode](card), card, config)


def compile_model(model: keras.Model, card: Card, config: TrainingConfig) -> keras.Model:
    """Compiles a network for training."""
    optimizer = make_optimizer(config.optimizer, config.lr, WEIGHT_DECAY, config.weight_average, config.rectify)
    optimizer.build(model.trainable_variables)  # else the training step is traced twice
    mode = MODES[card.mode]
    loss = mode.make_loss(card, config.label_smoothing)
    # XLA slows training down on a CPU, and cannot compile the CTC loss
    model.compile(optimizer, loss, metrics=[mode.make_metric(card)], jit_compile=False)
    return model


def build_for(
    card: Card, config: TrainingConfig, device: Device, replicas: int = 1
) -> tuple[keras.Model, Card, TrainingConfig]:
    """Builds and compiles the network for a device.

    Args:
        card: Describes the network; its backbone may be 'auto'.
        config: How to train it; its precision may be 'auto'.
        device: What computes here.
        replicas: Number of replicas that train together.

    Returns:
        The network, and card and config with 'auto' replaced by what was chosen.
    """
    backbone = choose_backbone(card.backbone, card.mode, device.has_gpu)
    precision = choose_precision(config.precision, device.has_gpu, is_depthwise(backbone), replicas)
    set_precision(precision)
    card, config = replace(card, backbone=backbone), replace(config, precision=precision)
    return build_model(card, config), card, config


def main() -> None:
    step = open_step(make_parser(__doc__))
    settings, work = step.settings, step.work
    device = start_tensorflow(settings.USE_GPU)
    card = Card.from_settings(settings, Vocabulary.load(work.vocabulary_file), device.has_gpu)
    backbone = resolve_backbone(card, device.has_gpu, work.folder("weight"), settings.WEIGHTS)
    preprocessing = resolve_preprocessing(backbone, work.folder("weight"), settings.WEIGHTS)
    card = replace(card, backbone=backbone, preprocessing=preprocessing)
    model, card, config = build_for(card, TrainingConfig.from_settings(settings), device)
    model.summary(print_fn=echo)
    echo(f"{card.mode} with {card.backbone} in {config.precision}")
    echo(f"{model.count_params():,} parameters, without the optimizer's")
    gigabytes = training_bytes(model, settings.BATCH_SIZE) / 1e9
    echo(f"Training takes about {gigabytes:.1f} GB of memory with BATCH_SIZE = {settings.BATCH_SIZE}")
    diagram = work.path / "model.png"
    if write_diagram(model, diagram):
        echo(f"Drawn: {diagram}")
    else:
        echo("No model.png: it needs graphviz (Debian: apt-get install graphviz) and pip install pydot")
    step.next("python train.py", "train it")


if __name__ == "__main__":
    run(main)
