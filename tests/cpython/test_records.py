"""Reading a guest's console: in any pieces, with anything between the records, and when it stops."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.cpython.boot import NotBooted, follow
from tests.cpython.records import Console, Module


def record(**fields: object) -> bytes:
    return b"\x1e" + json.dumps(fields).encode() + b"\n"


PASSED = record(test="test.test_a.C.t", outcome="passed", text="")
STREAM = (
    b"a kernel's line\n"
    + record(begins="test_a")
    + b"half a li"
    + PASSED
    + record(ends="test_a", seconds=1.5)
    + record(begins="test_b")
)


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
def test_records_arrive_in_any_pieces(size: int) -> None:
    console = Console()
    for start in range(0, len(STREAM), size):
        console.receive(STREAM[start : start + size])
    first, second = console.modules
    assert (first.name, first.seconds, first.count("passed")) == ("test_a", 1.5, 1)
    assert console.ended == [first]
    assert second.name == "test_b"
    assert console.printed == b"a kernel's line\nhalf a li"


def test_what_only_looks_like_a_record_is_print() -> None:
    console = Console()
    console.receive(b"\x1enot json\n\x1e[1]\n" + record(ends="test_a", seconds=1) + PASSED)
    assert console.modules == []


def test_a_guest_that_dies_fails_its_module() -> None:
    console = Console()
    console.receive(STREAM + b"fata: the program was killed by signal 11\n")
    console.stop("the guest ended", 3.0)
    last = console.ended[-1]
    assert (last.name, last.seconds) == ("test_b", 3.0)
    (outcome,) = last.outcomes
    assert (outcome.test, outcome.outcome) == ("test.test_b", "failed")
    assert "killed by signal 11" in outcome.text


def guest(program: str, limit: float) -> list[Module]:
    """Follow a process that plays the guest."""
    with subprocess.Popen([sys.executable, "-c", program], stdout=-1) as process:
        return list(follow(process, limit, grace=0))


def test_a_hang_is_cut_off() -> None:
    (module,) = guest('print(\'\\x1e{"begins": "test_b"}\', flush=True); import time; time.sleep(60)', 0.5)
    assert module.count("failed") == 1
    assert "cut off" in module.outcomes[0].text


def test_a_guest_that_never_begins_is_told() -> None:
    with pytest.raises(NotBooted, match="no such image"):
        guest("print('no such image')", 5)
