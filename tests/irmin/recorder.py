"""What a program does to files, in order, and what of it a power cut could take at any moment."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

import pytest


class Step(NamedTuple):
    """Something that was done: "write", "name", "remove", "force" or "force directory"."""

    what: str
    path: str


class Recorder:
    """Notes what is done below a directory. A thread's step is noted once the operating system has done it."""

    def __init__(self, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._directory = str(directory)
        self._numbers = count()
        self._files: dict[str, int] = {}  # what is under a name now
        self._perhaps: dict[str, set[int]] = defaultdict(set)  # what may be under it after a power cut
        self._open: dict[int, tuple[str, int]] = {}  # descriptors: name when it was opened, file
        self.steps: list[Step] = []
        self._unwritten: set[int] = set()  # files whose octets a power cut would take
        self._unnamed: set[str] = set()  # names that it would take
        self.removed: dict[str, set[str]] = {}  # indexes of packs, and what a power cut could take then
        self.rewrites = 0
        self.rewritten: list[str] = []  # names under which a power cut would have left what was written over
        for name, after in (
            ("open", self._opened),
            ("writev", self._written),
            ("write", self._written),
            ("pwrite", self._overwritten),
            ("fdatasync", self._forced),
            ("fsync", self._forced),
            ("link", self._linked),
            ("rename", self._renamed),
            ("unlink", self._unlinked),
            ("mkdir", self._made),
        ):
            monkeypatch.setattr(os, name, self._noting(getattr(os, name), after))

    def _noting(self, function: Callable[..., Any], after: Callable[..., None]) -> Callable[..., Any]:
        def noting(*arguments: Any, **others: Any) -> Any:
            result = function(*arguments, **others)
            after(result, *arguments)
            return result

        return noting

    def _opened(self, descriptor: int, path: Any, flags: int, *_: Any) -> None:
        name = str(path)
        if name.startswith(self._directory) and flags & os.O_CREAT:
            self._unnamed.add(name)
            self._name(name, next(self._numbers))
            self._unwritten.add(self._files[name])
        self._open[descriptor] = name, self._files.setdefault(name, next(self._numbers))

    def _name(self, name: str, file: int) -> None:
        self._files[name] = file
        self._perhaps[name].add(file)

    def _written(self, _: int, descriptor: int, *__: Any) -> None:
        name, file = self._open.get(descriptor, ("", -1))
        if name.startswith(self._directory):
            self.steps.append(Step("write", name))
            self._unwritten.add(file)

    def _overwritten(self, _: int, descriptor: int, *__: Any) -> None:
        self._written(_, descriptor)
        self.rewrites += 1
        file = self._open[descriptor][1]
        self.rewritten += [name for name, files in self._perhaps.items() if file in files and is_seen(name)]

    def _forced(self, _: None, descriptor: int) -> None:
        path, file = self._open[descriptor]
        if os.path.isdir(path):
            self.steps.append(Step("force directory", path))
            self._unnamed = {each for each in self._unnamed if os.path.dirname(each) != path}
            for name, files in self._perhaps.items():
                if os.path.dirname(name) == path:
                    files &= {self._files.get(name, -1)}
        else:
            self.steps.append(Step("force", path))
            self._unwritten.discard(file)

    def _linked(self, _: None, old: str, new: str) -> None:
        self._name(new, self._files[old])
        self._unnamed.add(new)
        self.steps.append(Step("name", new))

    def _renamed(self, _: None, old: str, new: str) -> None:
        self._unnamed.discard(old)
        self._name(new, self._files.pop(old))
        self._unnamed.add(new)
        self.steps.append(Step("name", new))
        if "/refs/" in new:
            self.when_named(new)

    def _made(self, _: None, path: Any, *__: Any) -> None:
        self._unnamed.add(str(path))

    def _unlinked(self, _: None, path: Any, *__: Any) -> None:
        self._files.pop(str(path), None)
        self._unnamed.discard(str(path))
        self.steps.append(Step("remove", str(path)))
        if str(path).endswith(".idx"):
            self.removed[str(path)] = self.at_risk("/objects/")

    def when_named(self, ref: str) -> None:
        """A reference has its new value: all that it leads to, and its own octets, must be on the disk."""
        assert not self.at_risk("/objects/"), f"{ref} was changed first"
        assert self._files[ref] not in self._unwritten

    def replaced_in_time(self) -> bool:
        """Whether packs were removed once the one that has their objects could not be taken any more."""
        gone = {step.path for step in self.steps if step.what == "remove"}
        return all(risk <= gone for risk in self.removed.values())

    def at_risk(self, within: str) -> set[str]:
        """Return the files that a power cut could take now."""
        unwritten = {path for path, file in self._files.items() if file in self._unwritten}
        return {path for path in unwritten | self._unnamed if within in path and is_seen(path)}


def is_seen(path: str) -> bool:
    """Whether git looks for a file of that name."""
    return "/tmp_obj" not in path and not path.endswith(".lock")
