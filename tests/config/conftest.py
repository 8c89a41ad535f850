"""A project's folder in the making: write files, then read, plan, resolve or write the program."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

import fata
from fata.config.graph import Graph, resolve
from fata.config.offer import Catalog, installed
from fata.config.plan import Plan, make_plan
from fata.config.project import Project, load
from fata.config.settings import settle
from fata.config.signature import Signature, read_signature
from fata.config.signature.source import Sources
from fata.config.where import Where
from fata.errors import ConfigError
from fata.target.program import write_program

OWN_SOURCE = Path(fata.__file__).parent.parent  # where fata's own modules are read; nothing else is installed
ASKED_HERE = Where("config.py", 7)  # who is blamed when an application is not there at all


@dataclass(frozen=True)
class Folder:
    """A folder of an application, and the five steps from its files to main.py."""

    path: Path

    def write(self, files: Mapping[str, str]) -> Folder:
        """Write files, by relative path; their text is dedented."""
        for name, text in files.items():
            file = self.path / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(dedent(text).lstrip("\n"), encoding="utf-8")
        return self

    def app(self, text: str) -> Folder:
        """Write app.py."""
        return self.write({"app.py": text})

    def config(self, text: str) -> Folder:
        """Write config.py."""
        return self.write({"config.py": text})

    def signature(self, subject: str = "app:App") -> Signature:
        """Read what an application of this folder asks for."""
        return read_signature(Sources([self.path, OWN_SOURCE]), subject, ASKED_HERE)

    def project(self) -> Project:
        """Load config.py."""
        return load(str(self.path), (OWN_SOURCE,))

    def plan(self, target: str = "unix", catalog: Catalog | None = None) -> Plan:
        """Load config.py and read what its applications ask for."""
        return make_plan(self.project(), catalog or installed(), target)

    def graph(
        self,
        *words: str,
        target: str = "unix",
        catalog: Catalog | None = None,
        environment: Mapping[str, str] | None = None,
        pyproject: Mapping[str, Any] | None = None,
        locked: Mapping[str, str] | None = None,
        booting: bool = False,
    ) -> Graph:
        """Settle the program for these words of a command line."""
        plan = self.plan(target, catalog)
        settings = settle(plan.keys, words, environment or {}, pyproject or {}, locked or {})
        return resolve(plan, settings, booting=booting)

    def program(self, *words: str, target: str = "unix") -> str:
        """Return the text of main.py."""
        return write_program(self.graph(*words, target=target), "0.1.0")


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Folder]:
    """An empty folder. Whatever a test does with it, no module of it may have been imported at the end."""
    before = set(sys.modules)
    yield Folder(tmp_path)
    for name in sys.modules.keys() - before:
        file = getattr(sys.modules[name], "__file__", None) or ""
        assert not file.startswith(str(tmp_path)), f"{name} was imported"


def refusal(call: Callable[[], object]) -> ConfigError:
    """Return the ConfigError that a call raises; it must say what to do."""
    with pytest.raises(ConfigError) as caught:
        call()
    assert caught.value.remedy, f"no remedy: {caught.value}"
    return caught.value


def assert_blames(error: ConfigError, file: Path, line: int, *parts: str) -> None:
    """Check where an error points, and that its text has every one of `parts`."""
    assert (error.file, error.line) == (str(file), line), str(error)
    assert [part for part in parts if part not in str(error)] == [], str(error)


def line_of(file: Path, text: str) -> int:
    """Return the number of the only line of a file that holds `text`."""
    (number,) = [number for number, line in enumerate(file.read_text("utf-8").splitlines(), 1) if text in line]
    return number
