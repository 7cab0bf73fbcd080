"""Errors that a user can fix, and messages for what disk, memory or GPU refuse. Free of TensorFlow.

A message says what was received, where, what was expected and what to do.
"""

import errno


class BearcatError(Exception):
    """An error that the user can fix: shown as one message with exit code 2, without a traceback."""


class SettingsError(BearcatError):
    """A setting or a configuration file is invalid."""


class WorkError(BearcatError):
    """A work folder does not exist, cannot be created, or is in use by another step."""


class DataError(BearcatError):
    """A data set is missing, empty or does not fit the settings."""


class NoImagesError(DataError):
    """No image of a data set can be read."""


class LabelError(DataError):
    """A label is missing, too long, or has a character that is not in the vocabulary."""


class ImageError(DataError):
    """An image cannot be read."""


class ImageFormatError(ImageError):
    """The bytes are not an image in an accepted format."""


class ImageSizeError(ImageError):
    """An image has too many pixels."""


class BlankImageError(ImageError):
    """Nothing can be seen in an image."""


class RequestOptionError(BearcatError):
    """A request has an option that the model does not support."""


class RecordError(DataError):
    """A pack of TFRecords is missing, damaged or does not fit the settings."""


class CheckpointError(BearcatError):
    """No usable checkpoint exists, or the newest one does not fit the settings."""


class WorkerLostError(BearcatError):
    """A worker of a distributed training is gone, so the others cannot continue."""


class ArtifactError(BearcatError):
    """A trained model is missing or damaged, or its Keras and ONNX files disagree."""


class ExportError(ArtifactError):
    """A network cannot be exported to ONNX or LiteRT."""


class PredictionTimeoutError(BearcatError):
    """A model takes too long for an image."""


class ServiceError(BearcatError):
    """The service cannot start, or did not answer."""


_WRONG_KIND = "there is a file where a folder is expected, or a folder where a file is: move it away"
# users can fix what the disk refuses; every other OSError is a bug and keeps its traceback
DISK = {
    errno.ENOSPC: "the disk is full; nothing was lost. Free some space, then run the same command again",
    errno.EDQUOT: "your disk quota is used up; nothing was lost. Free some space, then run the same command again",
    errno.EROFS: "the disk is read-only",
    errno.EXDEV: "it would have to be moved to another disk, which Bearcat does not do",
    errno.ENAMETOOLONG: "the name is longer than the disk allows: move the work to a folder with a shorter path",
    errno.ELOOP: "it is a link to itself: remove the link",
    errno.EEXIST: _WRONG_KIND,
    errno.EISDIR: _WRONG_KIND,
    errno.ENOTDIR: _WRONG_KIND,
    errno.EACCES: "no permission",
    errno.EPERM: "no permission",
}
_MEMORY = (
    "out of memory: halve BATCH_SIZE (--set BATCH_SIZE=…), or set a smaller IMAGE_WIDTH and IMAGE_HEIGHT. "
    "The last checkpoint is kept, and the same command resumes from it"
)
_GPU = (
    "the GPU or its libraries failed: another program may hold its memory (nvidia-smi names it; stop that program), "
    "or it is too small (halve BATCH_SIZE); --set USE_GPU=False trains on the CPU. The last checkpoint is kept"
)
# part of an error of TensorFlow, h5py or cuDNN → message for the user; the first match counts
_LIBRARY_MESSAGES = {
    "no space left on device": DISK[errno.ENOSPC],
    "oom when allocating": _MEMORY,
    "out of memory": _MEMORY,
    "cudnn": _GPU,
    "cublas": _GPU,
    "cuda_error": _GPU,
    "thenrnn": _GPU,
    "dnn implementation": _GPU,
}


def message_for(error: BaseException) -> str:
    """Returns the message for an error of disk, memory or GPU; '' for every other error, which is a bug."""
    if isinstance(error, MemoryError):
        return _MEMORY
    if isinstance(error, OSError) and error.errno in DISK:
        return f"{error.filename or 'a file'} cannot be written or read: {DISK[error.errno]}"
    if isinstance(error, OSError) or type(error).__module__.startswith("tensorflow."):
        text = str(error).lower()
        return next((message for part, message in _LIBRARY_MESSAGES.items() if part in text), "")
    return ""
