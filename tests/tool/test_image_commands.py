"""The commands about images as a user calls them: check, modules, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest

from tests.images import runtimes
from tests.tool.conftest import Fata

pytestmark = pytest.mark.slow  # in all, some seconds

APP = """\
from fata.device import Console


class App:
    def __init__(self, console: Console) -> None:
        self.console = console

    async def run(self) -> None: ...
"""


@pytest.fixture(scope="module")
def variables() -> Mapping[str, str]:
    return {"FATA_RUNTIME": str(runtimes())}


def test_check_has_the_verdict_of_build_without_building(fata: Fata, variables: Mapping[str, str]) -> None:
    fata.write(app="import sqlite3\n" + APP)
    message = fata.mistake("check", "app:App", "-t", "virtio", variables=variables)
    assert f"{fata.folder / 'app.py'}:1: app imports 'sqlite3', which the guest lacks" in message
    assert message == fata.mistake("build", "app:App", "-t", "virtio", variables=variables)


def test_check_lists_remarks(fata: Fata, variables: Mapping[str, str]) -> None:
    fata.write(app="import socket\n" + APP)
    done = fata("check", "app:App", "-t", "virtio", "--json", variables=variables)
    (note,) = json.loads(done.stdout)["notes"]
    assert note.startswith(f"{fata.folder / 'app.py'}:1: note: app imports 'socket': there are no sockets")
    assert not list((fata.folder / "build" / "virtio").glob("*.elf"))


def test_without_a_runtime_it_is_said_how_to_get_one(fata: Fata) -> None:
    fata.write(app=APP)
    message = fata.mistake("build", "app:App", "-t", "virtio", variables={"FATA_RUNTIME": "/nowhere"})
    assert "there is no full runtime to build images from" in message
    assert "make runtime" in message


def test_a_device_that_is_not_there_yet_is_named(fata: Fata, variables: Mapping[str, str]) -> None:
    fata.write(
        app=APP.replace("Console", "Block").replace("console", "disk"),
        config="from fata.config import *\nregister('a', main('app:App', disk=block_file('x')))\n",
    )
    message = fata.mistake("build", "-t", "virtio", variables=variables)
    assert "config.py:2: block_file is not on virtio yet" in message


def test_modules_tells_what_works_and_why_the_rest_does_not(fata: Fata, variables: Mapping[str, str]) -> None:
    text = fata("modules", "json", "sqlite3", "subprocess", variables=variables).stdout
    assert text.splitlines()[1:] == [
        "json        in images that reach it",
        "sqlite3     no                       _sqlite3 is C code that is not in the guest",
        "subprocess  in images that reach it  there is one process, and no other can be started",
    ]
    rows = json.loads(fata("modules", "--json", variables=variables).stdout)["modules"]
    assert len(rows) > 150
    assert {"name": "zlib", "place": "builtin", "works": True, "why": ""} in rows
    assert "Did you mean 'json'?" in fata.mistake("modules", "jsn", variables=variables)
    assert "the standard library is the host's" in fata.mistake("modules", "-t", "unix", variables=variables)


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("--memory", "64"), "--memory belongs to a virtual machine, and the target is unix"),
        (("-p", "1:2"), "--publish belongs to a virtual machine"),
        (("--machine", "q35"), "--machine belongs to a virtual machine"),
        (("--file", "a=b"), "--file: no device of this program takes files"),
        (("-t", "virtio", "--reload"), "--reload belongs to a process, and the target is virtio"),
        (("-t", "virtio", "--memory", "lots"), "--memory lots: not an amount of memory"),
        (("-t", "virtio", "--publish", "80"), "--publish 80: not ports"),
        (("-t", "virtio", "--drive", "/nowhere"), "there is no such file"),
    ],
)
def test_options_of_a_machine_are_refused_where_they_mean_nothing(
    fata: Fata, variables: Mapping[str, str], words: tuple[str, ...], reason: str
) -> None:
    fata.write(app=APP)
    assert reason in fata.mistake("run", "app:App", *words, variables=variables)
