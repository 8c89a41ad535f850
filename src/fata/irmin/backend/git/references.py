"""The references of a git directory: loose files first, then packed-refs; changed under git's own locks."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack

from fata.disk.git.errors import Malformed
from fata.disk.git.references import parse_packed, parse_reference, serialize_packed, serialize_reference
from fata.irmin.backend.contract import RefChange
from fata.irmin.backend.git.files import read_whole, remove_if_there, sync_directory
from fata.irmin.backend.git.lock import Lock
from fata.irmin.errors import CorruptRef, NameTaken

MOST_LINKS = 5  # symbolic references in a row; git's own limit

Packed = dict[str, tuple[bytes, bytes | None]]


class References:
    """The references below a git directory."""

    def __init__(self, directory: str, *, timeout: float, sync: bool) -> None:
        self.directory = directory
        self._timeout = timeout
        self._sync = sync
        self._packed: Packed = {}
        self._packed_stamp: tuple[int, int, int] | None = None

    def read(self, name: str) -> bytes | None:
        """Return what a reference leads to; None if it does not exist. Raises `CorruptRef`."""
        return self._follow(name)[1]

    def _follow(self, name: str) -> tuple[str, bytes | None]:
        """Follow symbolic references; return the last one and what it leads to. Raises `CorruptRef`."""
        for _ in range(MOST_LINKS):
            target = self._read_loose(name)
            if target is None:
                return name, self._packed_ids().get(name, (None, None))[0]
            if isinstance(target, bytes):
                return name, target
            name = target
        raise CorruptRef(name, f"more than {MOST_LINKS} symbolic references in a row")

    def symbolic(self, name: str) -> str | None:
        """Return the reference that a symbolic one stands for; None if it is none, or is not there."""
        target = self._read_loose(name)
        return target if isinstance(target, str) else None

    def _read_loose(self, name: str) -> bytes | str | None:
        try:
            octets = read_whole(f"{self.directory}/{name}")
            return None if octets is None else parse_reference(octets)
        except IsADirectoryError:
            return None
        except Malformed as error:
            raise CorruptRef(name, str(error)) from None

    def _packed_ids(self) -> Packed:
        path = f"{self.directory}/packed-refs"
        try:
            status = os.stat(path)
        except FileNotFoundError:
            self._packed, self._packed_stamp = {}, None
            return self._packed
        stamp = status.st_mtime_ns, status.st_size, status.st_ino
        if stamp != self._packed_stamp:
            try:
                self._packed = parse_packed(read_whole(path) or b"")
            except Malformed as error:
                raise CorruptRef("packed-refs", str(error)) from None
            self._packed_stamp = stamp
        return self._packed

    def all(self, prefix: str) -> dict[str, bytes]:
        """Return the references below a prefix, sorted by name. Those that lead nowhere are left out."""
        # Loose before packed: packing writes packed-refs first, then removes the loose file.
        loose = [name for name in self._loose_names(prefix) if name.startswith(prefix)]
        names = {*loose, *(name for name in self._packed_ids() if name.startswith(prefix))}
        found = {name: self.read(name) for name in sorted(names)}
        return {name: oid for name, oid in found.items() if oid is not None}

    def _loose_names(self, prefix: str) -> Iterator[str]:
        top = f"{self.directory}/{prefix.rpartition('/')[0] or 'refs'}"
        for place, _, files in os.walk(top):
            for file in files:
                if not file.endswith(".lock"):
                    yield f"{place}/{file}"[len(self.directory) + 1 :]

    def change(self, changes: Sequence[RefChange]) -> bool:
        """Change all references if each is as its change says, else none; say which. Raises `Busy`, `NameTaken`.

        Files change one after another: a program that is killed in between leaves the first ones changed, as git's
        own would.
        """
        with ExitStack() as locks:
            held: list[tuple[RefChange, Lock]] = []
            for change in sorted(changes):
                resolved, lock, found = self._locked(locks, change)
                held.append((resolved, lock))
                if found != change.old:
                    return False
                if change.old is None and change.new is not None:
                    self._check_free(change.name)
            for change, lock in held:
                if change.new is None:
                    self._remove(change.name)
                elif change.new != change.old:
                    lock.write(serialize_reference(change.new))
                    self._put_in_place(lock)
        return True

    def _locked(self, locks: ExitStack, change: RefChange) -> tuple[RefChange, Lock, bytes | None]:
        """Lock what a change is about (of a symbolic reference, what it stands for), and read that."""
        lock = locks.enter_context(self._lock(change.name))
        name, found = self._follow(change.name)
        if name == change.name:
            return change, lock, found
        lock = locks.enter_context(self._lock(name))
        return change._replace(name=name), lock, self.read(name)

    def set_symbolic(self, name: str, target: str) -> None:
        """Make a reference stand for another."""
        with self._lock(name) as lock:
            lock.write(serialize_reference(target))
            self._put_in_place(lock)

    def _lock(self, name: str) -> Lock:
        return Lock(f"{self.directory}/{name}", timeout=self._timeout, sync=self._sync)

    def _put_in_place(self, lock: Lock) -> None:
        try:
            lock.commit()
        except IsADirectoryError:
            remove_empty_directories(lock.path)
            lock.commit()
        if self._sync:
            sync_directory(os.path.dirname(lock.path))

    def _check_free(self, name: str) -> None:
        """Refuse a name below another's, or above one. Raises `NameTaken`."""
        parts = name.split("/")
        above = ["/".join(parts[:n]) for n in range(3, len(parts))]
        taken = next((each for each in above if self.read(each) is not None), None)
        if taken is None:
            taken = next(iter(self.all(f"{name}/")), None)
        if taken is not None:
            raise NameTaken(f"{name}: {taken}")

    def _remove(self, name: str) -> None:
        """Remove a reference whose lock is held: from packed-refs first, so that it never comes back in between."""
        path = f"{self.directory}/packed-refs"
        if name in self._packed_ids():
            with Lock(path, timeout=self._timeout, sync=self._sync) as lock:
                self._packed_stamp = None
                left = {each: value for each, value in self._packed_ids().items() if each != name}
                lock.write(serialize_packed(left))
                lock.commit()
        remove_if_there(f"{self.directory}/{name}")


def remove_empty_directories(path: str) -> None:
    """Remove a directory that has only empty directories in it. Raises OSError if it has more."""
    for place, _, _ in os.walk(path, topdown=False):
        os.rmdir(place)
