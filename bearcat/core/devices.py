"""Start TensorFlow: without its chatter, on the GPU or the CPU as asked, from a seed."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bearcat.core.errors import SettingsError
from bearcat.core.settings_file import AUTO

# what a CPU says of itself where it multiplies bfloat16 in hardware
BFLOAT16_FLAGS = {"avx512_bf16", "amx_bf16"}
# PRECISION → Keras' dtype policy
POLICIES = {"float32": "float32", "bfloat16": "mixed_bfloat16", "float16": "mixed_float16"}


@dataclass(frozen=True)
class Device:
    """What computes."""

    words: str
    has_gpu: bool
    gpus: int = 0


def start_tensorflow(use_gpu: bool, seed: int | None = None, deterministic: bool = False) -> Device:
    """Import TensorFlow, hide the GPUs or let each take memory as it needs it; return what will compute.

    `deterministic` lets the same seed give the same numbers. To be called once, before anything else imports
    TensorFlow.
    """
    with silence():
        import keras
        import tensorflow as tf

        gpus = tf.config.list_physical_devices("GPU")
        if not use_gpu:
            tf.config.set_visible_devices([], "GPU")
        for gpu in gpus if use_gpu else ():
            tf.config.experimental.set_memory_growth(gpu, True)
    if seed is not None:
        keras.utils.set_random_seed(seed)
    if deterministic:
        tf.config.experimental.enable_op_determinism()
    if not use_gpu:
        return Device("the CPU", has_gpu=False)
    return Device(f"{len(gpus)} GPU" if gpus else "the CPU, since TensorFlow finds no GPU", bool(gpus), len(gpus))


def split_cpu(parts: int) -> list[str]:
    """Make so many devices of the CPU, which share its cores, and return their names; before anything is computed."""
    import tensorflow as tf

    each = [tf.config.LogicalDeviceConfiguration() for _ in range(parts)]
    tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0], each)
    return [f"CPU:{number}" for number in range(parts)]


def choose_precision(setting: str, has_gpu: bool, depthwise: bool, replicas: int = 1) -> str:
    """Return the precision that a setting names; 'auto' is float16 on a GPU, bfloat16 on a CPU that gains by it.

    `depthwise` tells whether the network's convolutions are mostly depthwise, which gain nothing on a CPU. Several
    replicas take bfloat16 on GPUs: float16 lets each of them leave out a step by itself, for which others wait.
    Raises SettingsError for several replicas in float16.
    """
    if replicas > 1 and setting == "float16":
        raise SettingsError(f"PRECISION = 'float16' trains one replica, here are {replicas}: set 'bfloat16'")
    if setting != AUTO:
        return setting
    if has_gpu:
        return "bfloat16" if replicas > 1 else "float16"
    return "bfloat16" if BFLOAT16_FLAGS & cpu_flags() and not depthwise else "float32"


def set_precision(precision: str) -> None:
    """Let the layers that are made from now on compute in a precision; their weights stay float32."""
    import keras

    keras.config.set_dtype_policy(POLICIES[precision])


@contextmanager
def precision_set(precision: str) -> Iterator[None]:
    """Set a precision for a while."""
    import keras

    before = keras.config.dtype_policy()
    set_precision(precision)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def cpu_flags() -> set[str]:
    """Return what the CPU says it can do, as Linux tells it; elsewhere nothing."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.is_file() else []
    return set(next((line.partition(":")[2].split() for line in lines if line.startswith("flags")), ()))


@contextmanager
def silence() -> Iterator[None]:
    """Send to nowhere what TensorFlow's libraries write to stderr while they are loaded.

    On a machine without a GPU that reads like failures, and no log level stops it. BEARCAT_DEBUG=1 shows it.
    """
    if os.environ.get("BEARCAT_DEBUG") == "1":
        yield
        return
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.stderr.flush()
    kept = os.dup(2)
    try:
        with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def available_bytes() -> int:
    """Return how much memory this machine can give now."""
    import psutil  # which the service does without

    return psutil.virtual_memory().available
