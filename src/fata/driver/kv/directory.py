"""A directory of the host as a store, which nothing escapes from."""

from __future__ import annotations

import os
from collections.abc import Callable
from stat import S_ISDIR, S_ISREG

from fata.device.kv import (
    AlreadyPresent,
    DictionaryExpected,
    InvalidKey,
    KvError,
    NoSpace,
    NotFound,
    ValueExpected,
)
from fata.driver.kv import transfer
from fata.driver.kv.beneath import ABSENT, Path, file, folder, listing, status
from fata.driver.kv.directory_ro import DirectoryRo, host_path
from fata.driver.kv.staging import STAGING, Staging
from fata.driver.kv.transfer import LARGEST, refusals
from fata.driver.kv.unsynced import Unsynced
from fata.errors import DeviceError, StateError, Unavailable

SMALL = 65536  # octets: a value up to this size is changed by replacing it, which a power cut cannot tear
PATIENCE = 4096  # keys that may wait for a flush; then one happens by itself


class Directory(DirectoryRo):
    """A KvRw over a directory. Made by `open_directory`.

    `set` writes a new file and renames it over the old one; the old value is given up only for one that
    has reached the medium. Nothing in here suspends, so every call is atomic under cancellation.
    """

    def __init__(self, root: int, name: str, read_only: bool) -> None:
        super().__init__(root, name)
        self._read_only = read_only
        self._staging = Staging(root)
        self._unsynced = Unsynced()
        self._lost: OSError | None = None

    async def set(self, key: str, value: bytes) -> None:
        path = self._writable(key)
        with refusals(key):
            old = self._replaceable(path)
            self._replace(path, old, lambda new: transfer.write(new, 0, value))

    async def set_partial(self, key: str, offset: int, data: bytes) -> None:
        if offset < 0:
            raise InvalidKey(f"key {key!r}: there is no octet {offset}")
        path = self._writable(key)
        if not path:
            raise ValueExpected(key)
        with refusals(key), file(self._root, path, os.O_RDWR) as (descriptor, state):
            size = max(state.st_size, offset + len(data))
            if size > LARGEST:
                raise NoSpace(key)
            if not data:
                return
            # A file with two names is replaced too: its other name is not ours to change.
            if size <= SMALL or state.st_nlink > 1:
                self._replace(path, state, lambda new: _copy_changed(descriptor, new, offset, data))
                return
            transfer.reserve(descriptor, offset, len(data))  # or a full disk would be noticed half-way
            transfer.write(descriptor, offset, data)
            self._wait_for_flush(value=path)

    async def remove(self, key: str) -> None:
        path = self._writable(key)
        with refusals(key):
            if not path:
                for name in os.listdir(self._root):
                    if name != STAGING:
                        self._staging.discard(self._staging.adopt(self._root, name))
                self._unsynced.forget(())
                self._wait_for_flush(dictionary=())
            elif (state := self._status(path)) is not None:
                self._remove(path, state)

    def _remove(self, path: Path, state: os.stat_result) -> None:
        with folder(self._root, path[:-1]) as place:
            if S_ISDIR(state.st_mode):
                gone = self._staging.adopt(place, path[-1])  # the whole tree vanishes at once
                self._staging.discard(gone)
                self._unsynced.forget(path)
            else:
                os.unlink(path[-1], dir_fd=place)
                self._unsynced.values.discard(path)
        self._wait_for_flush(dictionary=path[:-1])

    async def rename(self, source: str, destination: str) -> None:
        old, new = self._writable(source), self._writable(destination)
        if not old or not new or (old != new and new[: len(old)] == old):
            raise InvalidKey(f"cannot rename {source!r} to {destination!r}, inside itself")
        with refusals(source):
            moving = self._status(old)
            if moving is None:
                raise NotFound(source)
            replaced = self._replaceable(new)
            if old != new:
                self._rename(old, new, moving, replaced)

    def _rename(self, old: Path, new: Path, moving: os.stat_result, replaced: os.stat_result | None) -> None:
        aside: str | None = None
        made: list[Path] = []
        if replaced is not None and old in self._unsynced.values:
            self._sync()  # what is replaced may be durable
        with folder(self._root, old[:-1]) as origin, folder(self._root, new[:-1], made) as target:
            if replaced is not None and S_ISDIR(moving.st_mode):
                aside = self._staging.adopt(target, new[-1])  # the host does not rename a directory over a file
            try:
                os.rename(old[-1], new[-1], src_dir_fd=origin, dst_dir_fd=target)
            except BaseException:
                if aside is not None:
                    self._staging.release(aside, target, new[-1])
                raise
        if aside is not None:
            self._staging.discard(aside)
        self._unsynced.forget(new)
        self._unsynced.rename(old, new)
        for changed in (*made, old[:-1], new[:-1]):
            self._wait_for_flush(dictionary=changed)

    async def allocate(self, key: str, size: int) -> None:
        if size < 0:
            raise InvalidKey(f"key {key!r}: a value cannot have {size} octets")
        path = self._writable(key)
        with refusals(key):
            if self._replaceable(path) is not None:
                raise AlreadyPresent(key)
            if size > LARGEST:
                raise NoSpace(key)
            self._replace(path, None, lambda new: transfer.reserve(new, 0, size) if size else None)

    async def flush(self) -> None:
        """Make everything durable. After one failure every later call fails too (see `FileBlock.flush`)."""
        self._check_open()
        self._sync()

    async def close(self) -> None:
        self._staging.close()
        await super().close()

    def _writable(self, key: str) -> Path:
        path = host_path(key)
        self._check_open()
        if self._read_only:
            raise StateError(f"{key!r}: {self._name} was opened read-only")
        if path[:1] == (STAGING,):
            raise InvalidKey(f"key {key!r}: {STAGING!r} is the store's own")
        return path

    def _replaceable(self, path: Path) -> os.stat_result | None:
        """Return the state of the file that a new value would replace; raise if none can be put there."""
        state = status(self._root, path)
        if state is not None and S_ISDIR(state.st_mode):
            raise ValueExpected("/".join(path))
        if state is not None and not S_ISREG(state.st_mode):
            raise _obstructed(path)
        for depth in range(len(path) - 1 if state is None else 0, 0, -1):
            above = status(self._root, path[:depth])
            if above is not None and S_ISDIR(above.st_mode):
                break
            if above is not None:
                raise (
                    DictionaryExpected("/".join(path[:depth])) if S_ISREG(above.st_mode) else _obstructed(path[:depth])
                )
        return state

    def _replace(self, path: Path, old: os.stat_result | None, fill: Callable[[int], None]) -> None:
        """Let a new file, which `fill` writes, appear under the path, or leave everything as it was."""
        made: list[Path] = []
        name, descriptor = self._staging.create()
        try:
            try:
                fill(descriptor)
                if old is not None:
                    os.fchmod(descriptor, old.st_mode & 0o777)
                    os.fdatasync(descriptor)  # or a power cut could leave neither the old value nor this one
            finally:
                os.close(descriptor)
            with folder(self._root, path[:-1], made) as place:
                self._staging.release(name, place, path[-1])
        except BaseException:
            self._staging.discard(name)
            raise
        for changed in (*made, path[:-1]):
            self._wait_for_flush(dictionary=changed)
        if old is None:
            self._wait_for_flush(value=path)

    def _wait_for_flush(self, *, value: Path | None = None, dictionary: Path | None = None) -> None:
        if value is not None:
            self._unsynced.values.add(value)
        if dictionary is not None:
            self._unsynced.dictionaries.add(dictionary)
        if len(self._unsynced) > PATIENCE:
            self._sync()

    def _sync(self) -> None:
        """Values first: an entry on the medium must not lead to octets that are not there yet."""
        try:
            if self._lost is None:
                for path in self._unsynced.values:
                    self._sync_value(path)
                for path in self._unsynced.dictionaries:
                    self._sync_dictionary(path)
                self._unsynced = Unsynced()
        except OSError as error:
            self._lost = error
        if self._lost is not None:
            reason = f"flush failed, unflushed changes may be lost: {self._lost.strerror}"
            raise DeviceError(f"{self._name}: {reason}; check the medium and open the store again") from self._lost

    def _sync_value(self, path: Path) -> None:
        try:
            with file(self._root, path, os.O_RDONLY) as (descriptor, _):
                os.fsync(descriptor)
        except IsADirectoryError:
            return
        except OSError as error:
            _unless_absent(error)

    def _sync_dictionary(self, path: Path) -> None:
        try:
            with listing(self._root, path) as descriptor:
                os.fsync(descriptor)
        except OSError as error:
            _unless_absent(error)


def _unless_absent(error: OSError) -> None:
    """Let pass that somebody else has taken the entry away: there is nothing to sync."""
    if error.errno not in ABSENT:
        raise error


def _obstructed(path: Path) -> KvError:
    return KvError("/".join(path), "is a link or a special file of the host, which the store leaves alone")


def _copy_changed(source: int, target: int, offset: int, data: bytes) -> None:
    position = 0
    for chunk in transfer.chunks(source):
        transfer.write(target, position, chunk)
        position += len(chunk)
    transfer.reserve(target, offset, len(data))
    transfer.write(target, offset, data)


async def open_directory(root: str, read_only: bool = False) -> Directory:
    """Open a directory of the host as a store. Raises Unavailable, which names the path and the remedy.

    Several programs may have it open; each change is seen by all of them whole.
    """
    try:
        descriptor = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except FileNotFoundError as error:
        raise Unavailable(f"{root}: no such directory", f"Create it, for instance with `mkdir -p {root}`.") from error
    except NotADirectoryError as error:
        raise Unavailable(f"{root}: not a directory", "Name the directory that holds the files.") from error
    except ValueError as error:
        raise Unavailable(f"{root!r}: no path: {error}") from error
    except OSError as error:
        raise Unavailable(f"{root}: {error.strerror}", "Give this user the right to read it.") from error
    return Directory(descriptor, root, read_only)
