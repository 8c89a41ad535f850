"""Step in before the n-th system call that a piece of Python makes: as an attacker, a second program, a crash."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

NAMES = (
    *("open", "close", "stat", "lstat", "fstat", "mkdir", "rename", "unlink", "rmdir", "link", "symlink", "readlink"),
    *("pread", "pwrite", "read", "write", "fsync", "fdatasync", "posix_fallocate", "ftruncate", "fchmod"),
    *("listdir", "scandir"),
)
WATCHED: list[tuple[Any, str]] = [*((os, name) for name in NAMES), (fcntl, "flock")]


class Intruder:
    """Counts calls, and acts once, before call number `moment`."""

    def __init__(self, moment: int, act: Callable[[], object]) -> None:
        self.calls = 0
        self._moment = moment
        self._act = act
        self._acting = False

    @property
    def came_too_late(self) -> bool:
        """Whether everything was over before its moment."""
        return self.calls <= self._moment

    def before_call(self) -> None:
        """Act if this is the moment. What the act itself calls is not counted."""
        if self._acting:
            return
        if self.calls == self._moment:
            self._acting = True
            self._act()
            self._acting = False
        self.calls += 1


@contextmanager
def stepping_in(moment: int, act: Callable[[], object]) -> Iterator[Intruder]:
    """Let `act` happen before system call number `moment` (from 0) that is made inside the block."""
    intruder = Intruder(moment, act)
    originals = [(module, name, getattr(module, name)) for module, name in WATCHED]

    def watched(original: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            intruder.before_call()
            return original(*arguments, **options)

        return call

    try:
        for module, name, original in originals:
            setattr(module, name, watched(original))
        yield intruder
    finally:
        for module, name, original in originals:
            setattr(module, name, original)


def recorded(monkeypatch: pytest.MonkeyPatch, *names: str) -> list[str]:
    """Return a list that gets the name of every call of these functions of `os`, which go on as before."""
    calls: list[str] = []

    def watch(name: str, original: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            calls.append(name)
            return original(*arguments, **options)

        return call

    for name in names:
        monkeypatch.setattr(os, name, watch(name, getattr(os, name)))
    return calls
