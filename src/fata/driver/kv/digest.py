"""Digests: of dictionaries from what is in them, and of files without reading them every time."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from os import stat_result

SETTLED = 2_000_000_000  # nanoseconds: the coarsest time stamps that file systems keep (FAT)
REMEMBERED = 1024  # files


def fold(entries: Iterable[tuple[str, bytes]]) -> bytes:
    """Return the SHA-256 of (relative key, digest) pairs, which come in an order that depends on nothing else.

    Lengths go in as well, so that no two different lists give the same octets.
    """
    from hashlib import sha256  # brings OpenSSL in: only for those who ask

    whole = sha256()
    for key, digest in entries:
        name = key.encode("utf-8", "surrogatepass")
        whole.update(len(name).to_bytes(8) + name + len(digest).to_bytes(8) + digest)
    return whole.digest()


class KnownDigests:
    """Digests of files by what `stat` says of them.

    Two changes within one tick of the file system's clock leave the same times. So a digest counts only if
    the file had been left alone for longer than a tick when it was read; then every later change shows in
    its change time, which programs cannot set. (git calls the others racily clean.)
    """

    def __init__(self) -> None:
        self._digests: dict[tuple[int, ...], bytes] = {}

    def get(self, state: stat_result) -> bytes | None:
        """Return the file's digest if it is known."""
        return self._digests.get(_signature(state))

    def add(self, state: stat_result, digest: bytes, now: int) -> None:
        """Remember a digest. `state` and `now` (POSIX time, nanoseconds) are from before the file was read."""
        if now - max(state.st_mtime_ns, state.st_ctime_ns) < SETTLED:
            return
        if len(self._digests) >= REMEMBERED:
            del self._digests[next(iter(self._digests))]
        self._digests[_signature(state)] = digest


def _signature(state: stat_result) -> tuple[int, ...]:
    return state.st_dev, state.st_ino, state.st_size, state.st_mtime_ns, state.st_ctime_ns
