"""Give the blocks beneath a part of a file back to the file system (Linux `fallocate`, which `os` does not offer)."""

from __future__ import annotations

import errno
import os

KEEP_SIZE = 0x01  # linux/falloc.h
PUNCH_HOLE = 0x02  # linux/falloc.h

_UNABLE = frozenset({errno.EOPNOTSUPP, errno.ENOSYS, errno.ENODEV, errno.EINVAL, errno.EPERM})


def punch(descriptor: int, offset: int, length: int) -> bool:
    """Make `length` octets at `offset` read as zeros and cost no space; False where that cannot be done.

    Works on files and on block devices. Raises OSError when the medium fails.
    """
    import ctypes  # heavy: only a program that discards pays for it

    function = getattr(ctypes.CDLL(None, use_errno=True), "fallocate", None)
    if function is None:
        return False
    function.argtypes = (ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64)
    while function(descriptor, PUNCH_HOLE | KEEP_SIZE, offset, length):
        code = ctypes.get_errno()
        if code in _UNABLE:
            return False
        if code != errno.EINTR:
            raise OSError(code, os.strerror(code))
    return True
