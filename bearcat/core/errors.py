"""One base error for everything that a user can mend; a message says what was received, where, and what to do."""

import errno


class BearcatError(Exception):
    """A mistake that its user can mend: shown as one message with exit code 2, without a traceback."""


class SettingsError(BearcatError):
    """A setting or a configuration file is wrong."""


class WorkError(BearcatError):
    """There is no such work folder, or it cannot be made."""


class DataError(BearcatError):
    """A data set is missing, empty or does not fit the settings."""


class LabelError(DataError):
    """A label is missing, too long, or holds a character that is not in the vocabulary."""


class ImageError(DataError):
    """An image cannot be read."""


class ImageFormatError(ImageError):
    """The bytes are not an image in a format that is accepted."""


class ImageSizeError(ImageError):
    """An image has too many pixels."""


class RequestOptionError(BearcatError):
    """A request to the service says something that the unit has no use for."""


class RecordError(DataError):
    """A pack of TFRecords is missing, damaged or does not fit the settings."""


class CheckpointError(BearcatError):
    """There is no usable checkpoint, or it does not fit the settings."""


class WorkerLostError(BearcatError):
    """Of the workers that train together one has gone, so that the others cannot go on."""


class ArtifactError(BearcatError):
    """A trained unit is missing, damaged, or its two forms disagree."""


class ExportError(ArtifactError):
    """A network that cannot be written as an ONNX file."""


class ServiceError(BearcatError):
    """The service cannot start, or did not answer."""


# ---- merged from trouble: What disk, memory or GPU refuse, in words that say what to do; every other error is a bug. Free of TensorFlow.


_IN_THE_WAY = "a file lies where a folder is expected, or a folder where a file is: move it away"
# what the disk refuses is the user's to mend; any other OSError is a bug and keeps its traceback
DISK = {
    errno.ENOSPC: "the disk is full; what was there before is as it was. Make room, then run the same command again",
    errno.EDQUOT: "your share of the disk is full; what was there before is as it was. Make room, then run it again",
    errno.EROFS: "the disk is read-only",
    errno.EXDEV: "it would have to move to another disk, which is not done",
    errno.ENAMETOOLONG: "the name is longer than the disk allows: move the work to a folder with a shorter path",
    errno.ELOOP: "it is a link that leads to itself: remove the link",
    errno.EEXIST: _IN_THE_WAY,
    errno.EISDIR: _IN_THE_WAY,
    errno.ENOTDIR: _IN_THE_WAY,
    errno.EACCES: "no permission",
    errno.EPERM: "no permission",
}
_MEMORY = (
    "the memory does not suffice: --set BATCH_SIZE= half of what it is, or a smaller IMAGE_WIDTH and IMAGE_HEIGHT; "
    "the last checkpoint is kept, and the same command goes on from it"
)
_GPU = (
    "the GPU or its libraries failed: another program may hold its memory (nvidia-smi names it; stop that one), or "
    "the memory does not suffice (--set BATCH_SIZE= half of what it is); --set USE_GPU=False trains without it. "
    "The last checkpoint is kept"
)
# what stands in a message of TensorFlow, h5py or cuDNN → words; the first that is found counts
_IN_MESSAGES = {
    "no space left on device": DISK[errno.ENOSPC],
    "oom when allocating": _MEMORY,
    "out of memory": _MEMORY,
    "cudnn": _GPU,
    "cublas": _GPU,
    "cuda_error": _GPU,
    "thenrnn": _GPU,
    "dnn implementation": _GPU,
}


def words_of(error: BaseException) -> str:
    """Return what to tell a person of an error of disk, memory or GPU; '' for any other error."""
    if isinstance(error, MemoryError):
        return _MEMORY
    if isinstance(error, OSError) and (reason := DISK.get(error.errno)):
        return f"{error.filename or 'a file'} cannot be written or read: {reason}"
    if isinstance(error, OSError) or type(error).__module__.startswith("tensorflow."):
        message = str(error).lower()
        return next((words for part, words in _IN_MESSAGES.items() if part in message), "")
    return ""
