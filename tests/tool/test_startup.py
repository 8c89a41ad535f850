"""What a command does not load before it does its work: nobody should wait for what is not used.

`benchmarks/configure.py` says how long the rest takes.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.tool.conftest import EXAMPLES

# Archives and compression, OpenSSL, parsers, other people's metadata: a millisecond or more each.
HEAVY = """
argparse asyncio bz2 click.shell_completion concurrent csv difflib email hashlib http importlib.metadata
importlib.resources json logging lzma packaging random rich shutil signal socket ssl subprocess tempfile tomllib
traceback zipfile
"""
ASKED_BY_CLICK = frozenset({"bz2", "lzma", "shutil"})  # for the width of the terminal, which help needs
# Of our own: what a program is made of when it runs, and how an image is made.
UNUSED = "fata.driver fata.http fata.runtime fata.sim fata.stack fata.target.image fata.target.virtio"
CONFIGURATION = "fata.config fata.device fata.target"
REPORT = """
import sys
from fata.tool.main import main
try:
    main()
finally:
    print(*sys.modules)
"""


def loaded(*words: str, folder: Path) -> set[str]:
    """Return the modules that a command has loaded when it ends."""
    done = subprocess.run(
        [sys.executable, "-c", REPORT, *words], cwd=folder, capture_output=True, text=True, timeout=60, check=True
    )
    return set(done.stdout.splitlines()[-1].split())


def within(modules: set[str], *packages: str) -> set[str]:
    """Return those modules that are one of the packages that a text lists, or in one."""
    listed = " ".join(packages).split()
    return {name for name in modules if any(f"{name}.".startswith(f"{package}.") for package in listed)}


@pytest.fixture(params=["hello", "www"])
def application(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A copy of an example, without a pyproject.toml above it."""
    ignored = shutil.ignore_patterns("build", "__pycache__", "fata.lock")
    return Path(shutil.copytree(EXAMPLES / request.param, tmp_path / "application", ignore=ignored))


@pytest.mark.parametrize("words", [(), ("--target", "unix")])
def test_configure_loads_nothing_that_it_does_not_use(application: Path, words: tuple[str, ...]) -> None:
    first = loaded("configure", ".", *words, folder=application)
    again = loaded("configure", ".", *words, folder=application)
    assert within(first, HEAVY, UNUSED) == set()
    assert again == first


def test_help_loads_nothing_of_the_configuration(tmp_path: Path) -> None:
    modules = loaded("--help", folder=tmp_path)
    assert within(modules, HEAVY, UNUSED, CONFIGURATION) <= ASKED_BY_CLICK


def test_the_package_alone_loads_nothing(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import sys; before = set(sys.modules); import fata; print(*set(sys.modules) - before)"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout.split() == ["fata"]
