"""Octets between memory and files of the host, and what the host's refusals mean to a store."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager

from fata.device.kv import KvError, NoSpace, NotFound, ValueExpected
from fata.driver.kv.beneath import ABSENT

CHUNK = 1 << 20  # octets held in memory at a time
LARGEST = (1 << 63) - 1  # octets: off_t

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


@contextmanager
def refusals(key: str) -> Iterator[None]:
    """Turn the host's errors inside the block into a store's, about `key`."""
    try:
        yield
    except OSError as error:
        raise refusal(key, error) from error


def refusal(key: str, error: OSError) -> KvError:
    """Return what an error of the host means to whoever asked for `key`."""
    if error.errno in ABSENT:
        return NotFound(key)
    if error.errno == errno.EISDIR:
        return ValueExpected(key)
    if error.errno in _FULL:
        return NoSpace(key)
    return KvError(key, f"the host says: {error.strerror}")


def read(descriptor: int, offset: int, length: int) -> bytes:
    """Return up to `length` octets from `offset` on, fewer only at the file's end."""
    pieces: list[bytes] = []
    while length > 0 and (piece := os.pread(descriptor, length, offset)):
        pieces.append(piece)
        offset += len(piece)
        length -= len(piece)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def chunks(descriptor: int) -> Iterator[bytes]:
    """Yield the file's octets from its start, a bounded piece at a time."""
    offset = 0
    while piece := os.pread(descriptor, CHUNK, offset):
        yield piece
        offset += len(piece)


def write(descriptor: int, offset: int, data: bytes) -> None:
    """Write all of `data` at `offset`."""
    view = memoryview(data)
    while view:
        written = os.pwrite(descriptor, view, offset)
        offset += written
        view = view[written:]


def reserve(descriptor: int, offset: int, length: int) -> None:
    """Make room for octets that are going to be written, or raise OSError and leave the file as it was."""
    before = os.fstat(descriptor).st_size
    try:
        os.posix_fallocate(descriptor, offset, length)
    except OSError:
        os.ftruncate(descriptor, before)  # some file systems grow the file as far as they get
        raise
