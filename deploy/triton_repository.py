"""Creates a model repository for Triton's ONNX Runtime backend: <name>/config.pbtxt and <name>/1/model.onnx.

Reads:  a model of App_model
Writes: the model's folder in the repository
Next:   docs/deployment.md
"""

import argparse
import shutil
from pathlib import Path

from bearcat.artifacts.inference import OnnxEngine
from bearcat.cli import echo, run
from bearcat.core.files import write_text

CONFIG = """name: "{name}"
backend: "onnxruntime"
max_batch_size: 32
input [ {{ name: "{input}" data_type: TYPE_FP32 dims: [ {input_shape} ] }} ]
output [ {{ name: "{output}" data_type: TYPE_FP32 dims: [ {output_shape} ] }} ]
instance_group [ {{ kind: KIND_CPU count: {instances} }} ]
dynamic_batching {{ max_queue_delay_microseconds: 1000 }}
parameters {{ key: "intra_op_thread_count" value: {{ string_value: "1" }} }}
parameters {{ key: "inter_op_thread_count" value: {{ string_value: "1" }} }}
"""


def main() -> None:
    """Creates the repository and prints how to start the server."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path, help="an ONNX file of App_model")
    parser.add_argument("repository", type=Path, metavar="MODEL_REPOSITORY", help="the folder that Triton serves")
    parser.add_argument("--instances", type=int, default=2, help="batches at a time, one per core (2)")
    arguments = parser.parse_args()
    folder = create_repository(arguments.model, arguments.repository, arguments.instances)
    echo(f"Written: {folder}")
    echo(f"Next: tritonserver --model-repository={arguments.repository.resolve()}  (see docs/deployment.md)")


def create_repository(model: Path, repository: Path, instances: int) -> Path:
    """Writes a model's folder and returns it.

    Raises:
        ArtifactError: The file was not written by save_model.py.
    """
    session = OnnxEngine(model).session
    (given,), (output,) = session.get_inputs(), session.get_outputs()
    folder = repository / model.stem
    config = CONFIG.format(
        name=model.stem,
        input=given.name,
        input_shape=_dims(given.shape),
        output=output.name,
        output_shape=_dims(output.shape),
        instances=instances,
    )
    (folder / "1").mkdir(parents=True, exist_ok=True)
    shutil.copyfile(model, folder / "1" / "model.onnx")
    write_text(folder / "config.pbtxt", config)
    return folder


def _dims(shape: list[int | str | None]) -> str:
    """Returns a shape without its batch dimension, with -1 for dimensions that vary."""
    return ", ".join(str(side if isinstance(side, int) else -1) for side in shape[1:])


if __name__ == "__main__":
    run(main)
