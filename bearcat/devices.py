"""Choose between GPU and CPU, once, before TensorFlow looks at either."""

import tensorflow as tf


def choose_device(use_gpu: bool) -> str:
    """Hide the GPUs, or let each take memory as it needs it; return in words what will compute."""
    gpus = tf.config.list_physical_devices("GPU")
    if not use_gpu:
        tf.config.set_visible_devices([], "GPU")
        return "the CPU (USE_GPU is False)"
    for gpu in gpus:
        tf.config.experimental.set_memory_growth(gpu, True)
    return f"{len(gpus)} GPU" if gpus else "the CPU (TensorFlow finds no GPU)"
