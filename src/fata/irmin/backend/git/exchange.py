"""renameat2(2) with RENAME_EXCHANGE: two files change names, in one step.

Renaming a new file over an old one makes ext4 send the new one's octets to the disk first (ext4(5), auto_da_alloc).
That is a guess at what the program wants; it takes ten times as long as everything else about replacing a small file.
Exchanging the two and removing the old one is not slowed down.
"""

from __future__ import annotations

import os
from collections.abc import Callable

RENAME_EXCHANGE = 2
AT_FDCWD = -100
WORTH = 8  # exchanges from which loading ctypes pays


class Exchange:
    """Exchanges files, if the operating system and the file system can."""

    def __init__(self) -> None:
        self._calls = 0
        self._function: Callable[[int, bytes, int, bytes, int], int] | None = None

    def __call__(self, one: str, other: str) -> bool:
        """Exchange two files' names; False if it could not be done: then they are as they were."""
        self._calls += 1
        if self._calls == WORTH:
            self._function = _load()
        if self._function is None:
            return False
        return self._function(AT_FDCWD, os.fsencode(one), AT_FDCWD, os.fsencode(other), RENAME_EXCHANGE) == 0


def _load() -> Callable[[int, bytes, int, bytes, int], int] | None:
    import ctypes

    try:
        function = ctypes.CDLL(None).renameat2
    except (AttributeError, OSError):  # a C library that has it not, or none
        return None
    function.argtypes = (ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_uint)
    return function
