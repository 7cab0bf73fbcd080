"""Step 7: train, or go on with a training that was stopped.

Reads:  train_pack_dataset, validation_pack_dataset, num_classes.json, checkpoint; EFFICIENTDET: the images and label
Writes: checkpoint (one an epoch), CSVLogger, logs, report/train.json, report/train.png;
        --curve: report/curve.json, report/curve.png, from trainings in report/curve that leave the work's own alone
Next:   python save_model.py; meanwhile: tensorboard --logdir <work>/logs
"""

import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

from bearcat.artifacts.card import Card
from bearcat.artifacts.checkpoints import best_checkpoint, best_epoch
from bearcat.artifacts.pretrained import backbone_to_train, starting_file
from bearcat.cli import INTERRUPTED, Step, echo, make_parser, open_step, run
from bearcat.core.devices import Device, start_tensorflow
from bearcat.core.errors import SettingsError
from bearcat.core.workspace import Work
from bearcat.modes import MODES, Task
from bearcat.training.cluster import worker_for
from bearcat.training.distribution import Team, fingerprint, start_team
from bearcat.training.learning_curve import SHARES, answer_curve, curve_folder, curve_point, has_ended, make_curve_work
from bearcat.training.schedules import INTERRUPT
from bearcat.training.sources import BoxedImages, PackedImages
from callback import CallBack
from utils import Image_Processing, boxed_data


def main() -> int:
    """Train a work's network until the rule or EPOCHS ends it; or train on parts of the data, for a curve."""
    parser = make_parser(__doc__)
    words = "train on 1/8, 1/4, 1/2 and all of the images, and say how many more would help"
    parser.add_argument("--curve", action="store_true", help=words)
    step = open_step(parser, only_reads=lambda settings: not worker_for(settings.STRATEGY).is_chief)
    return learn_curve(step) if step.arguments.curve else train(step)


def train(step: Step) -> int:
    """Train until the rule or EPOCHS ends it, and report."""
    settings, work = step.settings, step.work
    source = SOURCES[MODES[settings.MODE].task](step)
    device = start_tensorflow(settings.USE_GPU, settings.SEED, settings.DETERMINISTIC)
    team = gather_team(step, device)
    card = Card.from_settings(settings, source.vocabulary, device.has_gpu)
    call_back = CallBack(work, settings, card, team, source.labelled)
    with team.watched():
        team.check_agreement(**vars(settings), images=(source.count, source.validated), card=card)
        model = call_back.resume() or begin(step, call_back, device)
        team.check_agreement(card=call_back.card, recipe=call_back.recipe, weights=fingerprint(model))
        source.check(model, call_back.card)
        if not call_back.has_ended:
            fit(step, model, call_back, source, device)
        else:
            longer = "TRAIN_SECONDS=…" if settings.TRAIN_SECONDS else "EARLY_PATIENCE=… or --set EPOCHS=…"
            echo(f"This training has ended. To go on: --set {longer}, larger than now;")
            echo("with new images: python init_working_space.py --go-on;")
            echo("to start anew: python init_working_space.py (both keep it)")
    if team.worker.is_chief:
        return report(step, model, call_back)
    echo(f"This was worker {team.worker.number}; the chief, worker 0, writes the checkpoints and the report")
    return INTERRUPTED if call_back.stopped_by() == INTERRUPT else 0


def gather_team(step: Step, device: Device) -> Team:
    """Return the team that trains, when all workers have come."""
    strategy = step.settings.STRATEGY
    worker = worker_for(strategy)
    if worker.count > 1:
        echo(f"This is worker {worker.number} of {worker.count}; waiting for the others …")
    return start_team(strategy, worker, device)


def report(step: Step, model, call_back: CallBack) -> int:
    """Report on what the training came to."""
    from bearcat.reports.plots import draw_training, save_figure

    step.write_report("train", summarise(model, call_back))
    save_figure(draw_training(call_back.history), step.work.folder("report") / "train.png")
    echo("Drawn: report/train.png")
    if call_back.stopped_by() == INTERRUPT:
        echo("Stopped and saved. Go on: python train.py, or use what there is: python save_model.py")
        return INTERRUPTED
    best = best_checkpoint(step.work.folder("checkpoint"))
    echo(f"Best: epoch {best.epoch}, validation loss {best.val_loss:.4f}, exact {best.val_exact:.2%}")
    step.next("python save_model.py", "save and export the best checkpoint")
    return 0


def begin(step: Step, call_back: CallBack, device: Device):
    """Return a fresh network, with what the work's `weight` folder holds for it."""
    from models import build_for  # imports Keras

    card, weights, unit = call_back.card, step.settings.WEIGHTS, MODES[call_back.card.mode].task
    folder = step.work.folder("weight")
    card = replace(card, backbone=backbone_to_train(card, device.has_gpu, folder, weights))
    weight_file = starting_file(folder, weights, card.backbone, unit)
    if weight_file:
        call_back.begin_from(weight_file)
    with call_back.team.scope():
        built = build_for(card, call_back.recipe, device, call_back.team.replicas)
    model, call_back.card, call_back.recipe = built
    if weight_file:
        start_from(model, call_back.card, weight_file)
    return model


def start_from(model, card: Card, weight_file: Path) -> None:
    """Take over starting weights, and list what was and what was not taken."""
    from bearcat.artifacts.weight_transfer import take_over

    taken, left = take_over(model, card.vocabulary, weight_file)
    echo(f"Starting weights from {weight_file}: {len(taken)} of {len(taken) + len(left)} taken")
    for name in left:
        echo(f"  not taken: {name}")


def packed_images(step: Step) -> PackedImages:
    """Return what pack_dataset.py packed."""
    return PackedImages(step.work, step.settings)


def boxed_images(step: Step) -> BoxedImages:
    """Return images with their boxes as they lie in the work; num_classes.json is written where there is none."""
    data, vocabulary, damaged = boxed_data(step.work, renew=False, extend=False)
    for line in damaged:
        echo(f"Left out: {line}")
    if not step.work.vocabulary_file.is_file() and worker_for(step.settings.STRATEGY).is_chief:
        vocabulary.save(step.work.vocabulary_file)
    return BoxedImages(data, vocabulary, step.settings, Image_Processing.extraction_image)


WORKER_SEEDS = 1_000_003  # apart, more than any training has epochs
SOURCES = {Task.TEXT: packed_images, Task.CLASSIFICATION: packed_images, Task.DETECTION: boxed_images}


def fit(step: Step, model, call_back: CallBack, source: PackedImages | BoxedImages, device: Device) -> None:
    """Run the epochs that are left; before the first, try some steps on one batch."""
    import keras

    from bearcat.training.sanity_check import memory_warning

    settings, team = step.settings, call_back.team
    # another seed after a resume, else the first epochs' order and changes would come again
    seed = settings.SEED + call_back.epochs_done
    keras.utils.set_random_seed(seed + WORKER_SEEDS * team.worker.number)  # each worker changes images its own way
    steps = max(settings.MIN_EPOCH_STEPS, -(-source.count // (settings.BATCH_SIZE * team.replicas)))
    batches, validation = source.batches(call_back.card, seed, call_back.strength(steps), team)
    team.prepare(model, batches)
    tell_team(team, settings)
    if call_back.peak != settings.LR:
        echo(f"Learning rate at the start {call_back.peak:.2g}, which LR = {settings.LR:g} comes to here")
    if not call_back.epochs_done:
        warning = "" if device.has_gpu else memory_warning(model, settings.BATCH_SIZE * team.here)
        echo(warning or "Trying some steps on one batch …")
        try_first_batch(model, batches, steps, call_back)
    echo(
        f"{source.count} images in {steps} steps, {call_back.card.backbone}, "
        f"{model.count_params():,} parameters in {call_back.recipe.precision}, on {device.words}"
    )
    call_back.fit(model, steps, batches, validation, source.validated)


def tell_team(team: Team, settings: SimpleNamespace) -> None:
    """Say who trains together, and what that makes of the batch."""
    if team.words:
        size = settings.BATCH_SIZE
        echo(f"{team.words}: {team.replicas} × {size} = {team.replicas * size} images a step")


def try_first_batch(model, batches, steps: int, call_back: CallBack) -> None:
    """Say what may go wrong, and how long an epoch takes, before hours are spent on it."""
    from bearcat.training.sanity_check import preflight

    flight = preflight(model, batches, call_back.team, call_back.replicas_scale, call_back.settings.LR)
    if not flight.learns:
        losses = ", ".join(f"{loss:.3g}" for loss in flight.losses)
        echo(f"The loss of one batch does not fall ({losses}): LR is far too low or too high, or the labels are wrong")
    echo(f"An epoch takes about {steps * flight.seconds:.0f} s")


def summarise(model, call_back: CallBack) -> dict:
    """Return report/train.json."""
    history, card = call_back.history, call_back.card
    best = best_epoch(history)
    steps_seconds = sum(row["images"] / row["images_per_second"] for row in history)
    return {
        "mode": card.mode,
        "backbone": card.backbone,
        "parameters": model.count_params(),
        "epochs_run": len(history),
        "best_epoch": best["epoch"],
        "best": best,
        "seconds": round(sum(row["seconds"] for row in history), 1),
        "images_per_second": round(sum(row["images"] for row in history) / steps_seconds, 1),
        "stopped_by": call_back.stopped_by(),
    }


def learn_curve(step: Step) -> int:
    """Train on parts of the data, each in a work of its own, and say how many more images would help."""
    work, settings = step.work, step.settings
    if MODES[settings.MODE].task is Task.DETECTION:
        raise SettingsError(f"--curve draws parts of packed images, which MODE = {settings.MODE!r} has none of")
    if worker_for(settings.STRATEGY).count > 1:
        raise SettingsError("--curve trains on one machine: run it without TF_CONFIG, or --set STRATEGY=mirrored")
    packed_images(step)  # refuses packs that do not fit the settings
    start_tensorflow(use_gpu=False)  # here it only packs; the trainings have the GPU
    folder, made = curve_folder(work, vars(settings)), []
    for number, share in enumerate(SHARES, start=1):
        made.append(make_curve_work(work, folder / f"{number}-of-{len(SHARES)}", share, settings.SEED))
        echo(f"Training {number} of {len(SHARES)}: {share:.1%} of the images")
        code = train_beside(made[-1], step.arguments.set)
        if code:
            echo("Go on: python train.py --curve")
            return code
    from bearcat.reports.plots import draw_curve, save_figure

    points = [curve_point(one) for one in made]
    report, laws = answer_curve(points)
    step.write_report("curve", report)
    save_figure(draw_curve(points, laws), work.folder("report") / "curve.png")
    shutil.rmtree(folder.parent)
    for point in points:
        echo(f"{point.images:,} images: exact {point.exact:.2%} of {point.validated} validation images")
    echo(f"{report['answer']}\nDrawn: report/curve.png")
    step.next("python train.py", "the work's own training, which this has left alone")
    return 0


def train_beside(made: Work, overrides: list[str]) -> int:
    """Train another work in a process of its own, as a whole training does or went on to; return its exit code."""
    if has_ended(made):
        return 0
    command = [sys.executable, __file__, "--work", str(made.path)]
    process = subprocess.Popen([*command, *(word for value in overrides for word in ("--set", value))])
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            continue  # the training heard it too: it saves and ends


if __name__ == "__main__":
    run(main)
