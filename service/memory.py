"""How this process uses the C library's memory."""

import ctypes

KEPT = 16 << 20
"""Bytes that are free at the end of the heap and kept: some uploads' pieces."""
MAPPED = 2 << 20
"""Bytes from which on memory is asked of the kernel by itself: more than a piece of an upload to a folder has."""
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # of glibc's malloc.h


def keep_freed_memory() -> bool:
    """Use again what an upload's bytes have freed, instead of giving it back and faulting each page in once more.

    That is a fifth of what an upload costs the event loop. False where the C library has no such setting.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return False
    return bool(mallopt(_M_TRIM_THRESHOLD, KEPT)) and bool(mallopt(_M_MMAP_THRESHOLD, MAPPED))
