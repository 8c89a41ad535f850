"""The fuzzer finds nothing in our parsers, and what is wrong in others."""

from __future__ import annotations

import re

import pytest

from fata.errors import WireError
from tests.fuzz.__main__ import TARGETS, fuzz, main
from tests.fuzz.target import Target

pytestmark = pytest.mark.slow  # in all, some seconds


@pytest.mark.parametrize("name", TARGETS)
def test_nothing_is_found(name: str) -> None:
    assert fuzz(name, TARGETS[name], seed=4, iterations=2000) is None


def careless(octets: bytes) -> int:
    """Add up octets behind their number, and trust it."""
    if not octets:
        raise WireError("careless: nothing")
    return sum(octets[1 + index] for index in range(octets[0]))


def test_a_bug_is_found_and_its_input_minimised() -> None:
    finding = fuzz("careless", Target((b"\3abc", b"\1z"), careless), seed=1, iterations=2000)
    assert finding is not None
    assert isinstance(finding.error, IndexError)
    assert len(finding.octets) == 1
    assert re.search(r"careless: IndexError: .*\n  seed 1, iteration \d+, input [0-9a-f]{2}", str(finding))
    assert fuzz("careless", Target((b"\3abc", b"\1z"), careless), seed=1, iterations=2000) is not None


def test_the_same_seed_gives_the_same_inputs() -> None:
    def inputs(seed: int) -> list[bytes]:
        seen: list[bytes] = []
        fuzz("any", Target((b"\3abc",), seen.append), seed, 100)
        return seen

    assert inputs(1) == inputs(1) != inputs(2)


def test_a_parser_that_does_not_end_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def hang(octets: bytes) -> None:
        while octets[:1] == b"\xff":
            pass

    monkeypatch.setattr("tests.fuzz.__main__.LIMIT", 0.02)
    finding = fuzz("hang", Target((b"\xff",), hang), seed=1, iterations=50)
    assert finding is not None
    assert "for one input" in str(finding)


def test_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["arp", "--iterations", "10", "--seed", "3"]) == 0
    assert capsys.readouterr().out == "arp: 10 inputs, seed 3, nothing found\n"
    with pytest.raises(SystemExit):
        main(["nonsense"])
