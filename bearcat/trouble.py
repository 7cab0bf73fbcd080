"""What disk, memory or GPU refuse, in words that say what to do; every other error is a bug. Free of TensorFlow."""

import errno

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
