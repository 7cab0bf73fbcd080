"""Step 7: train the network, or resume an interrupted training.

Reads:  train_pack_dataset, validation_pack_dataset, num_classes.json, checkpoint; EFFICIENTDET: the images and label
Writes: checkpoint (one per epoch), CSVLogger, logs, report/train.json, report/train.png;
        --curve: report/curve.json, report/curve.png; its trainings run in report/curve and leave the work's own alone
Next:   python save_model.py; meanwhile: tensorboard --logdir <work>/logs
"""

import sys
from dataclasses import replace

from bearcat.artifacts.card import Card
from bearcat.artifacts.checkpoints import describe_best
from bearcat.cli import INTERRUPTED, Step, echo, make_parser, open_step, run
from bearcat.core.devices import start_tensorflow
from bearcat.core.errors import SettingsError
from bearcat.data.packing import load_boxed_splits
from bearcat.modes import MODES, Task
from bearcat.training.cluster import worker_for
from bearcat.training.distribution import start_replicas
from bearcat.training.learning_curve.power_law import analyse_curve
from bearcat.training.learning_curve.trainings import check_curve_settings, remove_curve_works, train_parts
from bearcat.training.schedules import INTERRUPT
from bearcat.training.sources import BoxedImages, PackedImages, TrainingSource
from callback import CallBack
from utils import Image_Processing


def main() -> int:
    """Trains until early stopping, TRAIN_SECONDS or EPOCHS ends it; or draws a learning curve."""
    parser = make_parser(__doc__)
    parser.add_argument(
        "--curve",
        action="store_true",
        help="train on 1/8, 1/4, 1/2 and all of the images, and estimate how many more would help; for texts, also "
        "what images without labels add",
    )
    step = open_step(parser, only_reads=lambda settings: not worker_for(settings.STRATEGY).is_chief)
    if step.arguments.curve and step.arguments.through:
        raise SettingsError("--curve trains no model to save: leave out --through")
    return train_curve(step) if step.arguments.curve else train(step)


def train(step: Step) -> int:
    """Trains and reports."""
    settings, worker = step.settings, worker_for(step.settings.STRATEGY)
    source = SOURCES[MODES[settings.MODE].task](step)
    device = start_tensorflow(settings.USE_GPU, settings.SEED, settings.DETERMINISTIC)
    if worker.count > 1:
        echo(f"This is worker {worker.number} of {worker.count}; waiting for the others …")
    replicas = start_replicas(settings.STRATEGY, worker, device)
    from models import build_for  # imports Keras

    card = Card.from_settings(settings, source.vocabulary, device.has_gpu)
    card = replace(card, kinds=source.kinds, label_lengths=source.label_lengths)
    call_back = CallBack(step.work, settings, card, replicas, source.labelled, source.unlabelled)
    call_back.run(source, device, build_for)
    if replicas.worker.is_chief:
        report(step, call_back)
    else:
        echo(f"This was worker {worker.number}; the chief, worker 0, writes the checkpoints and the report")
    return INTERRUPTED if call_back.stopped_by == INTERRUPT else 0


def report(step: Step, call_back: CallBack) -> None:
    """Writes and draws the report, and prints the best epoch."""
    from bearcat.reports.plots import draw_training, save_figure

    step.write_report("train", call_back.summary())
    save_figure(draw_training(call_back.history), step.work.folder("report") / "train.png")
    echo("Drawn: report/train.png")
    if call_back.stopped_by == INTERRUPT:
        echo("Stopped and saved. To resume: python train.py. To use the best epoch so far: python save_model.py")
        return
    echo(f"Best: {describe_best(step.work.folder('checkpoint'))}")
    step.next("python save_model.py", "save and export the best checkpoint")


def packed_images(step: Step) -> TrainingSource:
    """Opens the packs of pack_dataset.py."""
    return PackedImages(step.work, step.settings)


def boxed_images(step: Step) -> TrainingSource:
    """Reads the images with their boxes, and writes num_classes.json if there is none."""
    data, vocabulary, damaged = load_boxed_splits(step.work, Image_Processing, MODES[step.settings.MODE].codec)
    for line in damaged:
        echo(f"Left out: {line}")
    if not step.work.vocabulary_file.is_file() and worker_for(step.settings.STRATEGY).is_chief:
        vocabulary.save(step.work.vocabulary_file)
    return BoxedImages(data, vocabulary, step.settings, Image_Processing.extraction_image)


SOURCES = {Task.TEXT: packed_images, Task.CLASSIFICATION: packed_images, Task.DETECTION: boxed_images}


def train_curve(step: Step) -> int:
    """Trains on parts of the images and estimates how many more would help."""
    check_curve_settings(step.settings)
    packed_images(step)  # refuses packs that do not fit the settings
    start_tensorflow(use_gpu=False)  # this process only packs; the trainings have the GPU
    overrides = [argument for value in step.arguments.set for argument in ("--set", value)]
    code, points = train_parts(step.work, step.settings, [sys.executable, __file__, *overrides])
    if code:
        echo("To resume: python train.py --curve")
        return code
    from bearcat.reports.plots import draw_curve, save_figure

    curve, laws = analyse_curve(points)
    step.write_report("curve", curve)
    save_figure(draw_curve(points, laws), step.work.folder("report") / "curve.png")
    remove_curve_works(step.work)
    for point in points:
        echo(point.describe())
    echo(f"{curve['answer']}\nDrawn: report/curve.png")
    step.next("python train.py", "the work's own training, which --curve has not changed")
    return 0


if __name__ == "__main__":
    run(main)
