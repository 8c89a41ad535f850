"""A live host survives damaged frames; and what would be wrong with one is found."""

from __future__ import annotations

from typing import Any

import pytest

from fata.proto.tcp.host import TcpHost
from fata.stack.loop_calls import LoopCalls
from fata.wire import icmpv4
from tests.fuzz.live import Attack, main

pytestmark = pytest.mark.slow  # in all, some seconds

SEEDED = 1500  # frames that suffice to find a seeded bug


@pytest.mark.slow
def test_twenty_thousand_frames_do_no_harm(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--frames", "20000", "--seed", "4"]) == 0
    assert "nothing found" in capsys.readouterr().out


def test_some_frames_do_no_harm() -> None:
    attack = Attack(5, 640)
    attack.run()
    counted = attack.counters()
    assert min(counted["malformed"], counted["bad_checksum"], counted["for_others"]) > 0


def test_an_exception_in_the_loop_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """A parser that trusts a length."""
    whole = icmpv4.parse

    def careless(data: Any, start: int, end: int) -> Any:
        _ = data[start + 40]
        return whole(data, start, end)

    monkeypatch.setattr(icmpv4, "parse", careless)
    with pytest.raises(IndexError):
        Attack(1, SEEDED).run()


def test_connections_that_stay_behind_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half-open connections that nobody counts down any more."""
    monkeypatch.setattr(TcpHost, "_leave_backlog", lambda _self, connection: setattr(connection, "backlogged", False))
    with pytest.raises(AssertionError):
        Attack(1, SEEDED).run()


@pytest.mark.slow
def test_a_leak_of_memory_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ports that are closed and never forgotten, as they once were."""
    monkeypatch.setattr(LoopCalls, "_forget_endpoint", lambda _self, _endpoint: None)
    monkeypatch.setattr("tests.fuzz.live.MOST_GROWTH", 30_000)
    with pytest.raises(AssertionError, match="memory has grown"):
        Attack(1, 3 * SEEDED).run()
