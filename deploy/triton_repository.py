"""Lay a trained unit out as Triton's ONNX Runtime backend wants it: <name>/config.pbtxt and <name>/1/model.onnx.

Reads:  a unit of App_model
Writes: the repository's folder of that unit
Next:   deploy/README.md
"""

import argparse
import shutil
from pathlib import Path

import onnxruntime

from bearcat.artifacts.inference import load_recogniser
from bearcat.cli import echo, run
from bearcat.core.files import write_text

CONFIG = """name: "{name}"
backend: "onnxruntime"
max_batch_size: 32
input [ {{ name: "{input}" data_type: TYPE_FP32 dims: [ {shape} ] }} ]
output [ {{ name: "{output}" data_type: TYPE_FP32 dims: [ {logits} ] }} ]
instance_group [ {{ kind: KIND_CPU count: {instances} }} ]
dynamic_batching {{ max_queue_delay_microseconds: 1000 }}
parameters {{ key: "intra_op_thread_count" value: {{ string_value: "1" }} }}
parameters {{ key: "inter_op_thread_count" value: {{ string_value: "1" }} }}
"""


def main() -> None:
    """Write the folder and say what the server is started with."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("unit", type=Path, help="a file of App_model")
    parser.add_argument("repository", type=Path, metavar="MODEL_REPOSITORY", help="the folder that Triton serves")
    parser.add_argument("--instances", type=int, default=2, help="images or batches at a time: the cores (2)")
    arguments = parser.parse_args()
    folder = lay_out(arguments.unit, arguments.repository, arguments.instances)
    echo(f"Written: {folder}")
    echo(f"Next: tritonserver --model-repository={arguments.repository.resolve()}  (see deploy/README.md)")


def lay_out(unit: Path, repository: Path, instances: int) -> Path:
    """Write a unit's folder and return it; raise ArtifactError for a file that save_model.py did not write."""
    session: onnxruntime.InferenceSession = load_recogniser(unit).engine.session
    (given,), (answered,) = session.get_inputs(), session.get_outputs()
    folder = repository / unit.stem
    config = CONFIG.format(
        name=unit.stem,
        input=given.name,
        shape=dims(given.shape),
        output=answered.name,
        logits=dims(answered.shape),
        instances=instances,
    )
    (folder / "1").mkdir(parents=True, exist_ok=True)
    shutil.copyfile(unit, folder / "1" / "model.onnx")
    write_text(folder / "config.pbtxt", config)
    return folder


def dims(shape: list[int | str | None]) -> str:
    """Return a shape without its batch, −1 for what is not fixed."""
    return ", ".join(str(side if isinstance(side, int) else -1) for side in shape[1:])


if __name__ == "__main__":
    run(main)
