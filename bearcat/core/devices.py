"""TensorFlow's start on GPU or CPU, numeric precision, and the machine's memory. Imports TensorFlow and Keras late."""

import os
import platform
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bearcat.core.errors import SettingsError
from bearcat.core.settings_file import AUTO

BFLOAT16_FLAGS = {"avx512_bf16", "amx_bf16"}  # CPU flags of bfloat16 multiplication in hardware
# PRECISION → Keras dtype policy
POLICIES = {"float32": "float32", "bfloat16": "mixed_bfloat16", "float16": "mixed_float16"}


@dataclass(frozen=True)
class Device:
    """The device that computes.

    Args:
        description: For a log line.
        has_gpu: Whether at least one GPU is used.
        gpus: The number of GPUs.
    """

    description: str
    has_gpu: bool
    gpus: int = 0


def start_tensorflow(use_gpu: bool, seed: int | None = None, deterministic: bool = False) -> Device:
    """Imports and configures TensorFlow, before anything else imports it.

    In a process that has computed with it already the devices stay as they are.

    Args:
        use_gpu: Whether to use GPUs, which then allocate memory as needed; otherwise they are hidden.
        seed: The seed of Python's, NumPy's and TensorFlow's random numbers; None leaves them unseeded.
        deterministic: Whether the same seed must give the same numbers on this machine.
    """
    choose_kernels()
    with silence(), _without_optional_imports():
        import keras
        import tensorflow as tf

        gpus = tf.config.list_physical_devices("GPU")
        try:
            tf.config.set_visible_devices(gpus if use_gpu else [], "GPU")
            for gpu in gpus if use_gpu else ():
                tf.config.experimental.set_memory_growth(gpu, True)
        except RuntimeError:  # too late to change, as after a training with --through
            use_gpu = bool(tf.config.get_visible_devices("GPU"))
    if seed is not None:
        keras.utils.set_random_seed(seed)
    if deterministic:
        tf.config.experimental.enable_op_determinism()
    if not use_gpu:
        return Device("the CPU", has_gpu=False)
    return Device(f"{len(gpus)} GPU" if gpus else "the CPU, since TensorFlow finds no GPU", bool(gpus), len(gpus))


def choose_kernels() -> None:
    """Makes TensorFlow compute with oneDNN on every x86 processor, if the environment does not say otherwise.

    By itself TensorFlow does so only where it finds AVX-512 VNNI or better. With AVX2 alone training steps of all
    modes then take 0.75 to 0.85 times as long (Zen 2, November 2026).
    """
    if platform.machine().lower() in ("x86_64", "amd64"):
        os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")


@contextmanager
def _without_optional_imports() -> Iterator[None]:
    """Keeps Keras from importing packages that it can do without, which takes 0.6 of 3.8 s."""
    kept = [name for name in ("pandas", "matplotlib.pyplot") if name not in sys.modules]
    for name in kept:
        sys.modules[name] = None  # type: ignore[assignment]  # an import then fails as if it were not installed
    try:
        yield
    finally:
        for name in kept:
            del sys.modules[name]


def split_cpu(parts: int) -> list[str]:
    """Divides the CPU into logical devices that share its cores; call it before anything is computed.

    Returns:
        The names of the devices.
    """
    import tensorflow as tf

    each = [tf.config.LogicalDeviceConfiguration() for _ in range(parts)]
    tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0], each)
    return [f"CPU:{number}" for number in range(parts)]


def choose_precision(setting: str, has_gpu: bool, depthwise: bool, replicas: int = 1) -> str:
    """Returns the precision to train in: one of POLICIES.

    'auto' is float16 on a GPU, bfloat16 on a CPU that multiplies it in hardware, else float32. Several replicas on
    GPUs take bfloat16: with float16 each may skip a step on its own, and the others would wait for it.

    Args:
        setting: The value of PRECISION.
        has_gpu: Whether a GPU computes.
        depthwise: Whether the network is mostly depthwise convolutions, which bfloat16 does not speed up on a CPU.
        replicas: The number of replicas.

    Raises:
        SettingsError: Several replicas are to train in float16.
    """
    if replicas > 1 and setting == "float16":
        raise SettingsError(
            f"PRECISION = 'float16' works with a single replica, but there are {replicas}: set 'bfloat16'"
        )
    if setting != AUTO:
        return setting
    if has_gpu:
        return "bfloat16" if replicas > 1 else "float16"
    return "bfloat16" if BFLOAT16_FLAGS & cpu_flags() and not depthwise else "float32"


def set_precision(precision: str) -> None:
    """Sets the precision in which new layers compute; their weights stay float32."""
    import keras

    keras.config.set_dtype_policy(POLICIES[precision])


@contextmanager
def precision_scope(precision: str) -> Iterator[None]:
    """Sets a precision for the duration of a block."""
    import keras

    before = keras.config.dtype_policy()
    set_precision(precision)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def cpu_flags() -> set[str]:
    """Returns the CPU's feature flags; empty on systems other than Linux."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.is_file() else []
    return set(next((line.partition(":")[2].split() for line in lines if line.startswith("flags")), ()))


def available_bytes() -> int:
    """Returns the amount of memory that is available now."""
    import psutil  # not among the requirements of the service

    return psutil.virtual_memory().available


@contextmanager
def silence() -> Iterator[None]:
    """Discards stderr while TensorFlow's libraries are loaded; BEARCAT_DEBUG=1 shows it.

    On a machine without a GPU the output looks like failures, and no log level stops it.
    """
    if os.environ.get("BEARCAT_DEBUG") == "1":
        yield
        return
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.stderr.flush()
    stderr = os.dup(2)
    try:
        with Path(os.devnull).open("w", encoding="utf-8") as devnull:
            os.dup2(devnull.fileno(), 2)
        yield
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)
