"""What a program does to files, in order, and what of it a power cut could take at any moment."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from fata.irmin.backend.git.exchange import Exchange


class Step(NamedTuple):
    """Something that was done: "write", "name", "remove", "force" or "force directory"."""

    what: str
    path: str


class Recorder:
    """Notes what is done below a directory. A thread's step is noted once the operating system has done it."""

    def __init__(self, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._directory = str(directory)
        self._paths: dict[int, str] = {}
        self.steps: list[Step] = []
        self._unwritten: set[str] = set()  # files whose octets a power cut would take
        self._unnamed: set[str] = set()  # names that it would take
        self.removed: dict[str, set[str]] = {}  # indexes of packs, and what a power cut could take then
        for name, after in (
            ("open", self._opened),
            ("writev", self._written),
            ("write", self._written),
            ("fdatasync", self._forced),
            ("fsync", self._forced),
            ("rename", self._renamed),
            ("unlink", self._unlinked),
            ("mkdir", self._made),
        ):
            monkeypatch.setattr(os, name, self._noting(getattr(os, name), after))
        monkeypatch.setattr(Exchange, "__call__", self._noting(Exchange.__call__, self._exchanged))

    def _noting(self, function: Callable[..., Any], after: Callable[..., None]) -> Callable[..., Any]:
        def noting(*arguments: Any, **others: Any) -> Any:
            result = function(*arguments, **others)
            after(result, *arguments)
            return result

        return noting

    def _opened(self, descriptor: int, path: Any, flags: int, *_: Any) -> None:
        self._paths[descriptor] = str(path)
        if str(path).startswith(self._directory) and flags & os.O_CREAT:
            self._unnamed.add(str(path))
            self._unwritten.add(str(path))

    def _written(self, _: int, descriptor: int, *__: Any) -> None:
        path = self._paths.get(descriptor, "")
        if path.startswith(self._directory):
            self.steps.append(Step("write", path))
            self._unwritten.add(path)

    def _forced(self, _: None, descriptor: int) -> None:
        path = self._paths[descriptor]
        if os.path.isdir(path):
            self.steps.append(Step("force directory", path))
            self._unnamed = {each for each in self._unnamed if os.path.dirname(each) != path}
        else:
            self.steps.append(Step("force", path))
            self._unwritten.discard(path)

    def _renamed(self, _: None, old: str, new: str) -> None:
        for lost in (self._unwritten, self._unnamed):
            if old in lost:
                lost.discard(old)
                lost.add(new)
        self._unnamed.add(new)
        self.steps.append(Step("name", new))
        if "/refs/" in new:
            self.when_named(new)

    def _exchanged(self, done: bool, _: Exchange, lock: str, path: str) -> None:
        if done:
            self._renamed(None, lock, path)  # what becomes of the old file does not matter

    def _made(self, _: None, path: Any, *__: Any) -> None:
        self._unnamed.add(str(path))

    def _unlinked(self, _: None, path: Any, *__: Any) -> None:
        self._unwritten.discard(str(path))
        self._unnamed.discard(str(path))
        self.steps.append(Step("remove", str(path)))
        if str(path).endswith(".idx"):
            self.removed[str(path)] = self.at_risk("/objects/")

    def when_named(self, ref: str) -> None:
        """A reference has its new value: all that it leads to, and its own octets, must be on the disk."""
        assert not self.at_risk("/objects/"), f"{ref} was changed first"
        assert ref not in self._unwritten

    def replaced_in_time(self) -> bool:
        """Whether packs were removed once the one that has their objects could not be taken any more."""
        gone = {step.path for step in self.steps if step.what == "remove"}
        return all(risk <= gone for risk in self.removed.values())

    def at_risk(self, within: str) -> set[str]:
        """Return the files that a power cut could take now."""
        return {path for path in self._unwritten | self._unnamed if within in path and "/tmp_obj" not in path}
