"""Packs, checkpoints and models that are damaged, foreign, newer or contain code: refused in one message, never run."""

import io
import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest

from bearcat.artifacts.card import METADATA_KEY
from bearcat.artifacts.checkpoints import checkpoint_name
from bearcat.core.files import write_json
from tests.helpers.checkpoints import CARD, NEW, OLD, WORSE, write_checkpoint
from tests.helpers.faults import TOLERATED, Fault, check, encoded, image, make_work, named, run_step, write
from tests.helpers.services import SIDE, write_model

SERVED = "App_model/captcha.onnx"
RUN_PACKING = "run python pack_dataset.py"
VOCABULARY = {"0": "_", "1": "0", "2": "1", "3": "2"}


def checkpoints(newest: bytes | None) -> Callable[[Path], None]:
    """Plants a good checkpoint, a worse one, and the best one with this content.

    None stands for an intact file, b"" for a truncated one.
    """

    def plant(work: Path) -> None:
        write_checkpoint(work / "checkpoint" / OLD)
        write_checkpoint(work / "checkpoint" / WORSE)
        file = write_checkpoint(work / "checkpoint" / NEW)
        if newest is not None:
            file.write_bytes(newest or file.read_bytes()[:-30])

    return plant


def single(name: str, content: bytes | None) -> Callable[[Path], None]:
    """Plants one file in the checkpoint folder, an intact one if the content is None."""

    def plant(work: Path) -> None:
        file = write_checkpoint(work / "checkpoint" / name)
        if content is not None:
            file.write_bytes(content)

    return plant


def folder(name: str) -> Callable[[Path], object]:
    return lambda work: (work / name).mkdir(parents=True)


CHECKPOINTS = [
    Fault("the best one of 0 bytes", "callback.py", checkpoints(b"\x00")),
    Fault("the best one cut", "callback.py", checkpoints(b"")),
    Fault("the best one is a text", "callback.py", checkpoints(b"not found")),
    Fault("all broken", "callback.py", single(OLD, b""), "holds no usable checkpoint"),
    Fault("a folder of that name", "callback.py", folder(f"checkpoint/{OLD}"), "holds no usable checkpoint"),
    Fault("another's file", "callback.py", single("weights.keras", None), "holds no usable checkpoint"),
    Fault(
        "its loss is NaN", "callback.py", single(checkpoint_name(1, 1, float("nan"), 0), None), "no usable checkpoint"
    ),
    Fault("all broken", "init_working_space.py", single(OLD, b"x"), "holds no usable checkpoint", ("--go-on",)),
    Fault("none", "init_working_space.py", write("x", b""), "holds no usable checkpoint", ("--go-on",)),
    Fault("a file in the place of a folder", "init_working_space.py", write("logs", b""), "move it away"),
    Fault("all broken", "save_model.py", single(OLD, b"x"), "holds no usable checkpoint"),
]


@named(CHECKPOINTS)
def test_a_broken_checkpoint_is_skipped_or_reported(fault: Fault, tmp_path: Path, works: Path):
    outcome = check(fault, make_work(tmp_path / "work"))
    if fault.message == TOLERATED:
        assert OLD in outcome.stdout


def model(change: Callable[[Path], object], name: str, says: str, step: str = "test.py") -> Fault:
    """A served model that was changed."""

    def plant(work: Path) -> None:
        for file in work.glob("test_dataset/*.png"):
            file.rename(file.with_name(f"a_{file.name}"))
        change(write_model(work / SERVED))

    return Fault(name, step, plant, says)


def with_card(name: str, says: str, **changes: object) -> Fault:
    """A served model whose card was changed."""

    def change(file: Path) -> None:
        network = onnx.load(file)
        del network.metadata_props[:]
        onnx.helper.set_model_props(network, {METADATA_KEY: json.dumps(CARD.to_dict() | changes)})
        onnx.save(network, file)

    return model(change, name, says)


def remove_card(file: Path) -> None:
    network = onnx.load(file)
    del network.metadata_props[:]
    onnx.save(network, file)


def make_newer(file: Path) -> None:
    network = onnx.load(file)
    network.ir_version = 999
    onnx.save(network, file)


def dangling_link(file: Path) -> None:
    file.unlink()
    try:
        file.symlink_to(file.with_name("gone"))
    except OSError:
        pytest.skip("needs the right to make links")


def replaced(content: bytes) -> Callable[[Path], object]:
    return lambda file: file.write_bytes(content)


MODELS = [
    model(lambda file: None, "as it was saved", TOLERATED),
    model(lambda file: file.write_bytes(file.read_bytes()[:-200]), "truncated", "captcha.onnx"),
    model(replaced(b""), "0 bytes", "captcha.onnx"),
    model(replaced(b"version https://git-lfs.github.com/spec/v1\n"), "a pointer of Git LFS", "captcha.onnx"),
    model(remove_card, "of another program", "was not written by Bearcat"),
    model(make_newer, "of a newer ONNX", "captcha.onnx cannot be loaded"),
    model(dangling_link, "dangling link", "captcha.onnx"),
    model(lambda file: file.rename(file.with_suffix(".txt")), "another suffix", "holds no trained model"),
    model(lambda file: (file.unlink(), file.mkdir()), "a folder", "captcha.onnx"),
    with_card("of a newer Bearcat", "was made by a newer Bearcat", format=99),
    with_card("an unknown mode", "has mode 'MAGIC'", mode="MAGIC"),
    with_card("a format that is not a number", "damaged card", format="1"),
    with_card("a height that is text", "damaged card", height="16"),
    with_card("a height that is negative", "damaged card", height=-16),
    with_card("characters that are numbers", "damaged card", characters=[1, 2]),
    with_card("characters that stand twice", "without duplicates", characters=["a", "a"]),
    with_card("an unknown key", "damaged card", colour="red"),
    model(lambda file: write_model(file.with_name("other.onnx")).rename(file.with_name("b.onnx")), "two", TOLERATED),
]


@named(MODELS)
def test_a_changed_model_is_refused(fault: Fault, tmp_path: Path, works: Path):
    check(fault, make_work(tmp_path / "work"))


def keras_file(*members: tuple[str, bytes | str]) -> Callable[[Path], None]:
    """Replaces a model by an archive with these members and a good card."""

    def change(file: Path) -> None:
        file.unlink()
        with zipfile.ZipFile(write_checkpoint(file.with_suffix(".keras")), "a") as archive:
            for name, content in members:
                archive.writestr(name, content)

    return change


class Bomb:
    """Runs code when it is unpickled."""

    def __reduce__(self):
        return Path.touch, (Path("planted"),)


def layer(class_name: str, config: dict, module: str = "keras.layers") -> str:
    """The configuration of a network with one layer."""
    inside = {"module": module, "class_name": class_name, "config": config, "registered_name": None}
    entry = {"module": "keras.layers", "class_name": "InputLayer", "registered_name": None}
    entry |= {"config": {"batch_shape": [None, SIDE, SIDE, 1], "dtype": "float32", "name": "image"}}
    net = {"name": "net", "trainable": True, "layers": [entry, inside], "build_input_shape": [None, SIDE, SIDE, 1]}
    return json.dumps({"module": "keras", "class_name": "Sequential", "config": net, "registered_name": None})


def lambda_layer() -> str:
    code = {"class_name": "__lambda__", "config": {"code": "4wAA", "defaults": None, "closure": None}}
    return layer("Lambda", {"name": "f", "trainable": True, "dtype": "float32", "function": code})


def pickled() -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, a=np.array([Bomb()], object))
    return buffer.getvalue()


META = ("metadata.json", json.dumps({"keras_version": "3.14.0", "date_saved": "2026-01-01@00:00:00"}))
DENSE = layer("Dense", {"name": "d", "units": 3, "activation": "linear"})
SYSTEM = layer("system", {"command": "touch planted"}, "os")
KERAS = [
    model(keras_file(META, ("config.json", lambda_layer())), "a Lambda layer", "nothing in it was run"),
    model(keras_file(META, ("config.json", SYSTEM)), "a function of the system", "nothing in it was run"),
    model(
        keras_file(META, ("config.json", DENSE), ("model.weights.npz", pickled())), "a pickle", "nothing in it was run"
    ),
    model(keras_file(META, ("config.json", DENSE), ("model.weights.h5", b"x")), "weights cut", "nothing in it was run"),
    model(keras_file(), "no network", "nothing in it was run"),
]


@named(KERAS)
def test_a_keras_file_that_is_damaged_or_contains_code_is_refused_and_not_run(
    fault: Fault, tmp_path: Path, works: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    check(fault, make_work(tmp_path / "work"))
    assert not (tmp_path / "planted").exists()


@pytest.fixture(scope="session")
def packed_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A packed work."""
    work = make_work(tmp_path_factory.mktemp("packed") / "work")
    assert run_step("pack_dataset.py", work).code == 0
    return work


def shard(work: Path) -> Path:
    return next((work / "train_pack_dataset").glob("*.tfrecord"))


def damaged(change: Callable[[bytes], bytes]) -> Callable[[Path], object]:
    return lambda work: shard(work).write_bytes(change(shard(work).read_bytes()))


def pack(name: str, plant: Callable[[Path], object], says: str) -> Fault:
    return Fault(name, "train.py", plant, says)


def index(name: str, says: str = RUN_PACKING, **changes: object) -> Fault:
    """A pack whose index was changed."""

    def plant(work: Path) -> None:
        file = work / "train_pack_dataset" / "pack.json"
        write_json(file, json.loads(file.read_text(encoding="utf-8")) | changes)

    return pack(name, plant, says)


def vocabulary(name: str, content: object, says: str = RUN_PACKING) -> Fault:
    return pack(name, write("num_classes.json", content), says)


PACKS = [
    pack("a shard cut", damaged(lambda content: content[:-7]), "00001.tfrecord is damaged"),
    pack("a shard of which half is gone", damaged(lambda content: content[: len(content) // 2]), RUN_PACKING),
    pack("a shard with a wrong byte", damaged(lambda c: c[:99] + bytes([c[99] ^ 1]) + c[100:]), "tfrecord is damaged"),
    pack("a shard of 0 bytes", damaged(lambda content: b""), "holds 0 records, its pack.json says 6"),
    pack("a shard that is a text", damaged(lambda content: b"not found" * 99), "tfrecord is damaged"),
    pack("a shard gone", lambda work: shard(work).unlink(), "lacks pack-00000-of-00001.tfrecord"),
    pack("no pack.json", lambda work: (work / "train_pack_dataset/pack.json").unlink(), "holds no pack"),
    pack("pack.json cut", write("train_pack_dataset/pack.json", '{"count": 6,'), "pack.json is damaged"),
    pack("pack.json a list", write("train_pack_dataset/pack.json", []), "pack.json is damaged"),
    index("a pack of another format", colour="red"),
    index("shards that are null", shards=None),
    index("shards that are numbers", shards=[1]),
    index("a count that is text", count="6"),
    index("a height that is text", height="16"),
    index("symbols that are null", characters=None),
    index("steps that are null", steps_needed=None),
    index("another input", "the settings ask for", height=8),
    index("another vocabulary", "was packed with another vocabulary", characters=["x"]),
    vocabulary("no JSON", "{"),
    vocabulary("empty", b""),
    vocabulary("a list", ["_", "0"]),
    vocabulary("a number for a symbol", VOCABULARY | {"1": 0}),
    vocabulary("a list for a symbol", VOCABULARY | {"1": ["0"]}),
    vocabulary("an empty symbol", VOCABULARY | {"1": ""}),
    vocabulary("the same symbol twice", VOCABULARY | {"3": "0"}),
    vocabulary("an index left out", {"0": "_", "2": "1"}),
    vocabulary("no blank", {"0": "0", "1": "1"}),
    vocabulary("nested too deep", "[" * 100_000),
    vocabulary("UTF-16", json.dumps(VOCABULARY).encode("utf-16")),
    vocabulary("another order", {"0": "_", "1": "2", "2": "1", "3": "0"}, "another vocabulary than num_classes.json"),
    pack("no num_classes.json", lambda work: (work / "num_classes.json").unlink(), "num_classes.json does not exist"),
    Fault("num_classes.json with BOM", "models.py", write("num_classes.json", "\ufeff" + json.dumps(VOCABULARY))),
    Fault("two files of weights", "init_working_space.py",
          lambda work: [write(f"weight/{n}.h5", b"")(work) for n in "ab"], "holds 2 files of weights"),
    Fault("all images of 0 bytes", "pack_dataset.py",
          lambda work: [file.write_bytes(b"") for file in work.glob("*_dataset/*.png")], "no image for"),
    Fault("a label too long", "pack_dataset.py",
          write("train_dataset/0120_x.png", encoded(image(), "PNG")), "set CAPTCHA_LENGTH = 4"),
]  # fmt: skip


@named(PACKS)
def test_a_damaged_pack_is_reported_before_training(
    fault: Fault, packed_once: Path, tmp_path: Path, works: Path, monkeypatch: pytest.MonkeyPatch
):
    check(fault, Path(shutil.copytree(packed_once, tmp_path / "work")))


FAULTS = CHECKPOINTS + MODELS + KERAS + PACKS
