"""Memory that goes back to the system once a large request is over, where glibc's malloc would keep it."""

import ctypes
import sys

# parameters of mallopt, from glibc's malloc.h
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_ARENA_MAX = -1, -3, -8
KEPT_BYTES = 2**18  # free memory at the end of an arena that is kept; larger blocks are mapped, and unmapped when freed
ARENAS = 2  # heaps that threads share; by default 8 per core, none of which gives memory back in its middle


def return_freed_memory() -> bool:
    """Makes glibc give freed memory back; returns False under systems that have another malloc, which is left alone.

    Without it a few large bodies or images, whose pieces end up in many heaps, would take their memory for ever.
    """
    if sys.platform != "linux":  # macOS and Windows have no mallopt
        return False
    libc = ctypes.CDLL(None)
    if not hasattr(libc, "gnu_get_libc_version"):  # musl, as in Alpine
        return False
    # setting a threshold also stops glibc from raising it to the size of the largest block
    for name in (M_MMAP_THRESHOLD, M_TRIM_THRESHOLD):
        libc.mallopt(name, KEPT_BYTES)
    libc.mallopt(M_ARENA_MAX, ARENAS)
    return True
