"""The live view: what is shown, how often, and what of the memory."""

from __future__ import annotations

import asyncio
import io
import re
import sys
from types import SimpleNamespace

import pytest

from fata.runtime import statistics
from fata.runtime.memory import memory_report
from fata.runtime.statistics import Display

pytestmark = pytest.mark.virtual_time


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statistics, "memory_report", lambda: "memory: enough")


async def test_a_terminal_is_written_over_every_second() -> None:
    stream = Terminal()
    display = Display(lambda seconds: f"one\ntwo after {seconds:.0f} s", stream)
    await asyncio.sleep(2.5)
    display.close()
    parts = stream.getvalue().split("\x1b[3F\x1b[J")
    assert parts == [f"one\ntwo after {seconds} s\nmemory: enough\n" for seconds in (1, 2, 2)]


async def test_elsewhere_it_is_appended_every_ten_seconds() -> None:
    stream = io.StringIO()
    display = Display(lambda seconds: f"{seconds:.0f}", stream)
    await asyncio.sleep(25)
    display.close()
    await asyncio.sleep(100)
    assert stream.getvalue().split("\nmemory: enough\n") == ["10", "20", "25", ""]


def test_memory_of_a_process() -> None:
    match = re.fullmatch(r"memory: ([\d.]+) MiB resident, ([\d.]+) at most", memory_report())
    assert match
    assert 5 < float(match[1]) <= float(match[2])


def test_memory_of_a_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = {"pages_total": 16384, "pages_free": 8192 + 128}
    monkeypatch.setitem(sys.modules, "_hw", SimpleNamespace(machine=lambda: machine))
    assert memory_report() == "memory: 31.5 MiB in use of 64.0"
