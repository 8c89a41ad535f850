"""Reading a directory of the host as a store."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from stat import S_ISDIR, S_ISREG

from fata.device.kv import DictionaryExpected, InvalidKey, Kind, NotFound, ValueExpected, segments
from fata.driver.kv import transfer
from fata.driver.kv.beneath import ABSENT, Path, file, listing, status
from fata.driver.kv.digest import KnownDigests, fold
from fata.driver.kv.staging import STAGING
from fata.driver.kv.transfer import refusal, refusals
from fata.errors import StateError

Entries = list[tuple[str, Kind]]


class DirectoryRo:
    """A KvRo over a directory.

    Files are values. Links, FIFOs, sockets, devices and names that are not UTF-8 name nothing: they are
    neither found nor listed, so that no key leads out of the directory or makes a device move.
    """

    def __init__(self, root: int, name: str) -> None:
        self._descriptor = root  # owned; -1 once closed
        self._name = name
        self._digests = KnownDigests()

    def _check_open(self) -> None:
        if self._descriptor < 0:
            raise StateError(f"{self._name}: the store is closed")

    @property
    def _root(self) -> int:
        self._check_open()
        return self._descriptor

    async def exists(self, key: str) -> Kind | None:
        with refusals(key):
            state = self._status(host_path(key))
        if state is None:
            return None
        return Kind.DICTIONARY if S_ISDIR(state.st_mode) else Kind.VALUE

    async def get(self, key: str) -> bytes:
        with refusals(key), file(self._root, _value_path(key), os.O_RDONLY) as (descriptor, state):
            return transfer.read(descriptor, 0, state.st_size)

    async def get_partial(self, key: str, offset: int, length: int) -> bytes:
        if offset < 0 or length < 0:
            raise InvalidKey(f"key {key!r}: a range of {length} octets at {offset} does not exist")
        with refusals(key), file(self._root, _value_path(key), os.O_RDONLY) as (descriptor, state):
            return transfer.read(descriptor, offset, min(length, state.st_size - offset))

    async def list(self, key: str) -> list[tuple[str, Kind]]:
        return self._list(host_path(key))

    async def size(self, key: str) -> int:
        with refusals(key), file(self._root, _value_path(key), os.O_RDONLY) as (_, state):
            return state.st_size

    async def digest(self, key: str) -> bytes:
        path = host_path(key)
        match await self.exists(key):
            case Kind.DICTIONARY:
                return fold(self._digests_beneath(path))
            case Kind.VALUE:
                return self._digest(path)
        raise NotFound(key)

    async def last_modified(self, key: str) -> float | None:
        path = host_path(key)
        with refusals(key):
            state = self._status(path)
            if state is None:
                raise NotFound(key)
            if not S_ISDIR(state.st_mode):
                return state.st_mtime
            below = (self._status(path + child) for child, _ in self._walk(path))
            return max(state.st_mtime, *(found.st_mtime for found in below if found is not None), 0.0)

    def _status(self, path: Path) -> os.stat_result | None:
        """Return the state of the value or dictionary, None if there is neither."""
        if path[:1] == (STAGING,):
            return None
        state = status(self._root, path)
        return state if state is not None and (S_ISREG(state.st_mode) or S_ISDIR(state.st_mode)) else None

    def _list(self, path: Path) -> Entries:
        key = "/".join(path)
        if path[:1] == (STAGING,):
            raise NotFound(key)
        try:
            with listing(self._root, path) as descriptor, os.scandir(descriptor) as entries:
                found = [(entry.name, kind) for entry in entries if (kind := _kind(entry)) is not None]
        except OSError as error:
            state = self._status(path) if error.errno in ABSENT else None
            raise (refusal(key, error) if state is None else DictionaryExpected(key)) from error
        return sorted((entry for entry in found if path or entry[0] != STAGING), key=lambda entry: entry[0])

    def _walk(self, path: Path) -> Iterator[tuple[Path, Kind]]:
        """Yield everything beneath, by relative path, each dictionary before what is in it.

        No descriptor stays open in between, so depth costs nothing; what vanishes meanwhile is left out.
        """
        waiting: list[tuple[Path, Kind]] = [((), Kind.DICTIONARY)]
        while waiting:
            child, kind = waiting.pop()
            if child:
                yield child, kind
            if kind is Kind.DICTIONARY:
                try:
                    entries = self._list(path + child)
                except (NotFound, DictionaryExpected):
                    continue
                waiting += [((*child, name), kind) for name, kind in reversed(entries)]

    def _digest(self, path: Path) -> bytes:
        from hashlib import sha256

        with refusals("/".join(path)), file(self._root, path, os.O_RDONLY) as (descriptor, state):
            digest = self._digests.get(state)
            if digest is None:
                now, content = time.time_ns(), sha256()
                for chunk in transfer.chunks(descriptor):
                    content.update(chunk)
                digest = content.digest()
                self._digests.add(state, digest, now)
        return digest

    def _digests_beneath(self, path: Path) -> Iterator[tuple[str, bytes]]:
        for child, kind in self._walk(path):
            if kind is Kind.DICTIONARY:
                yield "/".join(child) + "/", b""  # it may be empty, and yet there
                continue
            try:
                yield "/".join(child), self._digest(path + child)
            except (NotFound, ValueExpected):
                continue

    async def close(self) -> None:
        """Give the directory back. A second call does nothing; other calls then raise `StateError`."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)


def host_path(key: str) -> Path:
    """Split a key into names that the host can have, or raise `InvalidKey`."""
    path = segments(key)
    try:
        key.encode()
    except UnicodeEncodeError:
        raise InvalidKey(f"key {key!r}: not UTF-8, so it is no name on the host") from None
    return path


def _value_path(key: str) -> Path:
    path = host_path(key)
    if not path:
        raise ValueExpected(key)
    if path[0] == STAGING:
        raise NotFound(key)
    return path


def _kind(entry: os.DirEntry[str]) -> Kind | None:
    try:
        entry.name.encode()
    except UnicodeEncodeError:
        return None
    if entry.is_dir(follow_symlinks=False):
        return Kind.DICTIONARY
    return Kind.VALUE if entry.is_file(follow_symlinks=False) else None
