"""Step 7: train, or go on with a training that was stopped.

Reads:  train_pack_dataset, validation_pack_dataset, num_classes.json, checkpoint
Writes: checkpoint (one an epoch), CSVLogger, logs, report/train.json
Next:   python save_model.py; meanwhile: tensorboard --logdir <work>/logs
"""

from bearcat.artifact import Card
from bearcat.checkpoints import best_checkpoint
from bearcat.command_line import INTERRUPTED, Step, make_parser, open_step, run, tell
from bearcat.devices import start_tensorflow
from bearcat.errors import DataError
from bearcat.label_codecs import make_codec
from bearcat.packs import PackIndex, check_pack, load_pack_index
from bearcat.schedule import INTERRUPT
from bearcat.vocabulary import Vocabulary
from callback import CallBack


def main() -> int:
    """Train a work's network until the rule or EPOCHS ends it."""
    step = open_step(make_parser(__doc__))
    settings, work = step.settings, step.work
    card = make_card(step)
    packs = {split: load_pack_index(work.pack_folder(split)) for split in ("train", "validation")}
    for split, index in packs.items():
        check_pack(work.pack_folder(split), index, card.spec, card.characters)
    device = start_tensorflow(settings.USE_GPU, settings.SEED)
    call_back = CallBack(work, settings, card)
    model = call_back.resume() or build(card, settings.LR)
    check_length(model, card.mode, list(packs.values()))
    if call_back.has_ended:
        tell("This training has ended. To go on: --set EARLY_PATIENCE=… or --set EPOCHS=…, larger than now;")
        tell("to start anew: python init_working_space.py (keeps a backup)")
    else:
        tell(f"{packs['train'].count} pictures, {model.count_params():,} parameters, on {device}")
        fit(step, model, call_back, packs)
    step.write_report("train", summarise(model, call_back))
    if call_back.stopped_by() == INTERRUPT:
        tell("Stopped and saved. Go on: python train.py, or use what there is: python save_model.py")
        return INTERRUPTED
    best = best_checkpoint(work.folder("checkpoint"))
    tell(f"Best: epoch {best.epoch}, validation loss {best.val_loss:.4f}, exact {best.val_exact:.2%}")
    step.next("python save_model.py", "save and export the best checkpoint")
    return 0


def make_card(step: Step) -> Card:
    """Return what the trained unit will say of itself."""
    settings = step.settings
    return Card(
        name=settings.MODEL_NAME,
        mode=settings.MODE,
        backbone=settings.BACKBONE,
        characters=Vocabulary.load(step.work.vocabulary_file).characters,
        height=settings.IMAGE_HEIGHT,
        width=settings.IMAGE_WIDTH,
        channels=settings.IMAGE_CHANNALS,
        captcha_length=settings.CAPTCHA_LENGTH,
    )


def build(card: Card, lr: float):
    """Return a fresh network."""
    from models import build_model  # imports Keras

    return build_model(card.mode, card.backbone, card.spec, len(card.vocabulary), card.captcha_length, lr)


def check_length(model, mode: str, packs: list[PackIndex]) -> None:
    """Raise DataError where the network has fewer steps or positions than the longest label needs."""
    steps = model.output_shape[1]
    needed = max(index.steps_needed[mode] for index in packs)
    if needed > steps:
        raise DataError(
            f"the longest label needs {needed} positions or time steps, the network has {steps}: set CAPTCHA_LENGTH = "
            f"{needed} (ORDINARY) or IMAGE_WIDTH = {needed * 4} or more (CTC), then run python pack_dataset.py"
        )


def fit(step: Step, model, call_back: CallBack, packs: dict[str, PackIndex]) -> None:
    """Run the epochs that are left."""
    import keras

    from bearcat.datasets import training_batches, validation_batches

    settings, work = step.settings, step.work
    width = target_width(call_back.card, packs)
    # another seed after a resume, else the first epochs' order and changes would come again
    seed = settings.SEED + call_back.epochs_done
    keras.utils.set_random_seed(seed)
    train_folder, validation_folder = work.pack_folder("train"), work.pack_folder("validation")
    steps = max(settings.MIN_EPOCH_STEPS, -(-packs["train"].count // settings.BATCH_SIZE))
    call_back.fit(
        model,
        steps,
        x=training_batches(train_folder, packs["train"], width, settings.BATCH_SIZE, seed, settings.AUGMENT),
        validation_data=validation_batches(validation_folder, packs["validation"], width, settings.BATCH_SIZE),
    )


def target_width(card: Card, packs: dict[str, PackIndex]) -> int:
    """Return the width to which targets are padded."""
    codec = make_codec(card.mode, card.vocabulary, card.captcha_length)
    return codec.target_width(max(index.longest_label for index in packs.values()))


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
