"""Keep freed memory for the next batch.

A batch of window maps is a few hundred blocks of tens of MiB. The C library's default is to give
each back to the system and ask for it again, zeroed page by page, which costs a quarter of an
epoch on a processor.
"""

import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_TRIM_THRESHOLD, _TOP_PAD, _MMAP_MAX = -1, -2, -4
_DEFAULTS = {_TRIM_THRESHOLD: 128 * 2**10, _TOP_PAD: 128 * 2**10, _MMAP_MAX: 65_536}


@contextmanager
def reused_memory() -> Iterator[None]:
    """Keep freed blocks within the process while inside; afterwards they go back to the system.

    Does nothing where the C library is not glibc.
    """
    try:
        library = ctypes.CDLL(None) if sys.platform == "linux" else None
        mallopt = None if library is None else library.mallopt
        trim = None if library is None else library.malloc_trim
    except (OSError, AttributeError):
        mallopt = trim = None
    if mallopt is None or trim is None:
        yield
        return
    for option, value in ((_MMAP_MAX, 0), (_TRIM_THRESHOLD, 2**31 - 1), (_TOP_PAD, 64 * 2**20)):
        mallopt(option, value)
    try:
        yield
    finally:
        for option, value in _DEFAULTS.items():
            mallopt(option, value)
        trim(0)
