"""The references of a git directory: loose files first, then packed-refs; changed under git's own locks."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Sequence

from fata.disk.git.errors import Malformed
from fata.disk.git.references import parse_packed, parse_reference, serialize_packed, serialize_reference
from fata.irmin.backend.contract import RefChange
from fata.irmin.backend.git.files import read_whole, remove_if_there
from fata.irmin.backend.git.lock import Lock
from fata.irmin.backend.git.persistence import Persistence
from fata.irmin.backend.git.rewritable import Workshop
from fata.irmin.backend.git.turns import Turns
from fata.irmin.errors import CorruptRef, NameTaken

MOST_LINKS = 5  # symbolic references in a row; git's own limit
MOST_TURNS = 32  # references for which files are kept

Packed = dict[str, tuple[bytes, bytes | None]]


class Holding:
    """References that are locked, with what shall become of them. Whoever has it must release it."""

    __slots__ = ("changed", "locks", "removed")

    def __init__(self) -> None:
        self.locks: list[Lock] = []
        self.changed: list[tuple[str, Lock, bool]] = []  # and whether there is a file that is replaced
        self.removed: list[tuple[str, Lock]] = []

    def names(self) -> list[str]:
        """Return the names of the references."""
        return [*(name for name, _, _ in self.changed), *(name for name, _ in self.removed)]

    def files(self) -> list[str]:
        """Return the files that hold new values, while they are not in place."""
        return [lock.file for _, lock, _ in self.changed]

    def release(self) -> None:
        """Let others change the references."""
        for lock in reversed(self.locks):
            lock.release()


class References:
    """The references below a git directory."""

    def __init__(self, directory: str, persistence: Persistence, workshop: Workshop, *, timeout: float) -> None:
        self.directory = directory
        self._workshop = workshop
        self._turns: dict[str, Turns] = {}  # of the references that were changed last
        self._timeout = timeout
        self._persistence = persistence
        self._packed: Packed = {}
        self._packed_stamp: tuple[int, int, int] | None = None

    def read(self, name: str) -> bytes | None:
        """Return what a reference leads to; None if it does not exist. Raises `CorruptRef`."""
        return self._follow(name)[1]

    def _follow(self, name: str) -> tuple[str, bytes | None, bool]:
        """Follow symbolic references; return the last, what it leads to, whether it is a file. Raises `CorruptRef`."""
        for _ in range(MOST_LINKS):
            target = self._read_loose(name)
            if target is None:
                return name, self._packed_ids().get(name, (None, None))[0], False
            if isinstance(target, bytes):
                return name, target, True
            name = target
        raise CorruptRef(name, f"more than {MOST_LINKS} symbolic references in a row")

    def symbolic(self, name: str) -> str | None:
        """Return the reference that a symbolic one stands for; None if it is none, or is not there."""
        target = self._read_loose(name)
        return target if isinstance(target, str) else None

    def _read_loose(self, name: str) -> bytes | str | None:
        path = f"{self.directory}/{name}"
        turns = self._turns.get(name)
        if turns is not None and (value := turns.value(path)) is not None:
            return value
        try:
            octets = read_whole(path)
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
        holding = self.hold(changes)
        if holding is None:
            return False
        try:
            self.put((holding,))
        finally:
            holding.release()
        return True

    def hold(self, changes: Sequence[RefChange], taken: Collection[str] = ()) -> Holding | None:
        """Lock references and write their new values; None if one is not as its change says.

        References that are `taken` are held for somebody else, who is about to change them, as are those beneath
        them and above. Raises `Busy`, `NameTaken`, `CorruptRef`, OSError.
        """
        holding = Holding()
        try:
            for change in sorted(changes) if len(changes) > 1 else changes:
                if not self._hold(holding, change, taken):
                    holding.release()
                    return None
        except BaseException:
            holding.release()
            raise
        return holding

    def _hold(self, holding: Holding, change: RefChange, taken: Collection[str]) -> bool:
        """Lock what a change is about (of a symbolic reference, what it stands for), and compare."""
        name, old, new = change
        if taken and _touches(name, taken):
            return False
        lock = self._lock(holding, name)
        target, found, loose = self._follow(name)
        if target != name:
            if taken and _touches(target, taken):
                return False
            name = target
            lock = self._lock(holding, name)
            _, found, loose = self._follow(name)
        if found != old:
            return False
        if new is None:
            holding.removed.append((name, lock))
        elif new != old:
            if old is None:
                self._check_free(name)
            lock.write(serialize_reference(new))
            holding.changed.append((name, lock, loose))
        return True

    def put(self, holdings: Iterable[Holding]) -> None:
        """Change the references that are held; their locks' files are as durable as they have to be. Raises OSError."""
        places: list[str] = []
        for holding in holdings:
            for name, lock in holding.removed:
                self._remove(name)
                places.append(os.path.dirname(lock.path))
            for _, lock, loose in holding.changed:
                self._put_in_place(lock)
                places += self._new_places(lock.path, loose)
        if self._persistence.immediate:
            try:
                self._persistence.force_directories(places)
            except OSError:
                self.forsake()  # who knows which file a reference will be after a power cut
                raise
        else:
            self._persistence.note_directories(*places)

    def _new_places(self, path: str, loose: bool) -> list[str]:
        """Return the directories that a reference's file is in, and those above if they may be new."""
        places = [path[: path.rfind("/")]]
        while not loose and len(places[-1]) > len(self.directory):
            places.append(os.path.dirname(places[-1]))
        return places

    def set_symbolic(self, name: str, target: str) -> None:
        """Make a reference stand for another."""
        with Lock(f"{self.directory}/{name}", timeout=self._timeout) as lock:
            lock.write(serialize_reference(target))
            self._persistence.replace(lock)

    def _lock(self, holding: Holding, name: str) -> Lock:
        turns = self._turns.get(name)
        if turns is None:
            turns = self._turns[name] = Turns(self._workshop)
            if len(self._turns) > MOST_TURNS:
                self._turns.pop(next(iter(self._turns))).forsake()
        lock = Lock(f"{self.directory}/{name}", timeout=self._timeout, turns=turns)
        lock.acquire()
        holding.locks.append(lock)
        return lock

    def forsake(self) -> None:
        """Make new files for references from now on."""
        for turns in self._turns.values():
            turns.forsake()
        self._turns.clear()

    def _put_in_place(self, lock: Lock) -> None:
        try:
            lock.commit()
        except IsADirectoryError:
            remove_empty_directories(lock.path)
            lock.commit()
        self._persistence.note(lock.path)

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
            with Lock(path, timeout=self._timeout) as lock:
                self._packed_stamp = None
                left = {each: value for each, value in self._packed_ids().items() if each != name}
                lock.write(serialize_packed(left))
                self._persistence.replace(lock)
        remove_if_there(f"{self.directory}/{name}")


def _touches(name: str, taken: Collection[str]) -> bool:
    return any(name == each or name.startswith(f"{each}/") or each.startswith(f"{name}/") for each in taken)


def remove_empty_directories(path: str) -> None:
    """Remove a directory that has only empty directories in it. Raises OSError if it has more."""
    for place, _, _ in os.walk(path, topdown=False):
        os.rmdir(place)
