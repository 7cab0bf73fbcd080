"""Step 7: train, or go on with a training that was stopped.

Reads:  train_pack_dataset, validation_pack_dataset, num_classes.json, checkpoint
Writes: checkpoint (one an epoch), CSVLogger, logs, report/train.json
Next:   python save_model.py; meanwhile: tensorboard --logdir <work>/logs
"""

from pathlib import Path

from bearcat.artifact import Card
from bearcat.checkpoints import best_checkpoint
from bearcat.command_line import INTERRUPTED, Step, make_parser, open_step, run, tell
from bearcat.devices import Device, start_tensorflow
from bearcat.errors import DataError
from bearcat.label_codecs import CODECS
from bearcat.packs import PackIndex, check_pack, load_pack_index
from bearcat.schedule import INTERRUPT
from bearcat.vocabulary import Vocabulary
from bearcat.weights import find_weight_file
from callback import CallBack


def main() -> int:
    """Train a work's network until the rule or EPOCHS ends it."""
    step = open_step(make_parser(__doc__))
    settings, work = step.settings, step.work
    card = Card.from_settings(settings, Vocabulary.load(work.vocabulary_file))
    packs = {split: load_pack_index(work.pack_folder(split)) for split in ("train", "validation")}
    for split, index in packs.items():
        check_pack(work.pack_folder(split), index, card.spec, card.characters, CODECS[card.mode].unit)
    device = start_tensorflow(settings.USE_GPU, settings.SEED)
    call_back = CallBack(work, settings, card)
    model = call_back.resume() or begin(step, call_back, device)
    check_length(model, call_back.card, list(packs.values()))
    if call_back.has_ended:
        tell("This training has ended. To go on: --set EARLY_PATIENCE=… or --set EPOCHS=…, larger than now; with new")
        tell(
            "pictures: python init_working_space.py --go-on; to start anew: python init_working_space.py (both keep it)"
        )
    else:
        fit(step, model, call_back, packs, device)
    step.write_report("train", summarise(model, call_back))
    if call_back.stopped_by() == INTERRUPT:
        tell("Stopped and saved. Go on: python train.py, or use what there is: python save_model.py")
        return INTERRUPTED
    best = best_checkpoint(work.folder("checkpoint"))
    tell(f"Best: epoch {best.epoch}, validation loss {best.val_loss:.4f}, exact {best.val_exact:.2%}")
    step.next("python save_model.py", "save and export the best checkpoint")
    return 0


def begin(step: Step, call_back: CallBack, device: Device):
    """Return a fresh network, with what the work's `weight` folder holds for it."""
    from models import build_for  # imports Keras

    model, call_back.card, call_back.recipe = build_for(call_back.card, call_back.recipe, device)
    weight_file = find_weight_file(step.work.folder("weight"))
    if weight_file:
        start_from(model, call_back.card, weight_file)
    return model


def start_from(model, card: Card, weight_file: Path) -> None:
    """Take over starting weights, and list what was and what was not taken."""
    from bearcat.transfer import take_over  # imports Keras

    taken, left = take_over(model, card.vocabulary, weight_file)
    tell(f"Starting weights from {weight_file}: {len(taken)} of {len(taken) + len(left)} taken")
    for name in left:
        tell(f"  not taken: {name}")


def check_length(model, card: Card, packs: list[PackIndex]) -> None:
    """Raise an error where the longest label is longer than CAPTCHA_LENGTH allows, or than the network has steps."""
    steps, longest = model.output_shape[1], max(index.longest_label for index in packs)
    needed = max(index.steps_needed[card.mode] for index in packs)
    if needed > steps:
        raise DataError(
            f"the longest label needs {needed} positions or time steps, the network has {steps}: set CAPTCHA_LENGTH = "
            f"{needed} (ORDINARY) or IMAGE_WIDTH = {needed * 4} or more (CTC), then run python pack_dataset.py"
        )
    if CODECS[card.mode].uses_captcha_length and longest > card.captcha_length:
        raise DataError(
            f"the longest label has {longest} characters, CAPTCHA_LENGTH is {card.captcha_length}: "
            f"set CAPTCHA_LENGTH = {longest} or more, or MODE = 'CTC', which has no limit"
        )


def fit(step: Step, model, call_back: CallBack, packs: dict[str, PackIndex], device: Device) -> None:
    """Run the epochs that are left; before the first, try some steps on one batch."""
    import keras

    from bearcat.datasets import training_batches, validation_batches
    from bearcat.preflight import memory_warning

    settings, work = step.settings, step.work
    width = target_width(call_back.card, packs)
    # another seed after a resume, else the first epochs' order and changes would come again
    seed = settings.SEED + call_back.epochs_done
    keras.utils.set_random_seed(seed)
    train_folder, validation_folder = work.pack_folder("train"), work.pack_folder("validation")
    steps = max(settings.MIN_EPOCH_STEPS, -(-packs["train"].count // settings.BATCH_SIZE))
    batches = training_batches(train_folder, packs["train"], width, settings.BATCH_SIZE, seed, settings.AUGMENT)
    if not call_back.epochs_done:
        warning = "" if device.has_gpu else memory_warning(model, settings.BATCH_SIZE)
        tell(warning or "Trying some steps on one batch …")
        try_first_batch(model, batches, steps)
    tell(
        f"{packs['train'].count} pictures in {steps} steps, {call_back.card.backbone}, "
        f"{model.count_params():,} parameters in {call_back.recipe.precision}, on {device.words}"
    )
    validation = validation_batches(validation_folder, packs["validation"], width, settings.BATCH_SIZE)
    call_back.fit(model, steps, batches, validation)


def try_first_batch(model, batches, steps: int) -> None:
    """Say what may go wrong, and how long an epoch takes, before hours are spent on it."""
    from bearcat.preflight import preflight

    flight = preflight(model, batches)
    if not flight.learns:
        losses = ", ".join(f"{loss:.3g}" for loss in flight.losses)
        tell(f"The loss of one batch does not fall ({losses}): LR is far too low or too high, or the labels are wrong")
    tell(f"An epoch takes about {steps * flight.seconds:.0f} s")


def target_width(card: Card, packs: dict[str, PackIndex]) -> int:
    """Return the width to which targets are padded."""
    return card.make_codec().target_width(max(index.longest_label for index in packs.values()))


def summarise(model, call_back: CallBack) -> dict:
    """Return report/train.json."""
    history, card = call_back.history, call_back.card
    best = min(history, key=lambda row: row["val_loss"])
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


if __name__ == "__main__":
    run(main)
