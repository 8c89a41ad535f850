"""Hearing of references that other programs change."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterable

from fata.errors import DeviceError
from fata.irmin.backend.contract import RefChange
from fata.irmin.backend.git.group import Group
from fata.irmin.backend.git.inotify import Inotify
from fata.irmin.backend.git.references import References

PREFIX = "refs/"


class Others:
    """Compares the references with what they were, whenever the operating system says that a file has changed."""

    def __init__(self, refs: References, tell: Callable[[Iterable[RefChange]], None], group: Group) -> None:
        self._refs = refs
        self._tell = tell
        self._group = group
        self._missed = False  # whether something changed while a thread of ours was changing references
        self._known: dict[str, bytes] = {}
        self._inotify: Inotify | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def start(self) -> None:
        """Begin, if there is an event loop to be called by. Raises `Unavailable`."""
        if self._inotify is not None:
            return
        try:
            self._loop = asyncio.get_running_loop()
        except RuntimeError:
            return
        self._inotify = Inotify()
        self._hear_of_all()
        self._known = self._refs.all(PREFIX)
        try:
            self._loop.add_reader(self._inotify.descriptor, self._look)
        except (NotImplementedError, DeviceError):  # a loop in virtual time has no descriptors
            self.stop()

    def _hear_of_all(self) -> None:
        assert self._inotify is not None
        self._inotify.add(self._refs.directory)  # packed-refs
        for place, _, _ in os.walk(f"{self._refs.directory}/{PREFIX}"):
            self._inotify.add(place)

    def _look(self) -> None:
        assert self._inotify is not None
        self._inotify.drain()
        if self._group.working:
            self._missed = True
            return
        self._compare()

    def catch_up(self) -> None:
        """Look at what others may have changed while a thread of ours was changing references, and had the floor."""
        if self._missed:
            self._missed = False
            self._compare()

    def _compare(self) -> None:
        self._hear_of_all()  # before reading: what happens in a new directory afterwards is heard
        before, self._known = self._known, self._refs.all(PREFIX)
        names = sorted(name for name, _ in before.items() ^ self._known.items())
        self._tell([RefChange(name, before.get(name), self._known.get(name)) for name in dict.fromkeys(names)])

    def expect(self, changes: Iterable[RefChange]) -> None:
        """Take changes of our own, of which the listeners are told at once; what others did before them comes first."""
        if self._inotify is None:
            return
        for name, old, new in changes:
            if self._known.get(name) != old:
                self._tell([RefChange(name, self._known.get(name), old)])
            if new is None:
                self._known.pop(name, None)
            else:
                self._known[name] = new

    def stop(self) -> None:
        """End."""
        if self._inotify is not None:
            assert self._loop is not None
            if not self._loop.is_closed():
                self._loop.remove_reader(self._inotify.descriptor)
            self._inotify.close()
            self._inotify = None
