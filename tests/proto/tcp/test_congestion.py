"""NewReno's and CUBIC's windows, by their RFCs' formulas."""

from __future__ import annotations

import pytest

from fata.errors import ConfigError
from fata.proto.tcp.congestion import Congestion, choose
from fata.proto.tcp.cubic import BETA, C, Cubic
from fata.proto.tcp.newreno import NewReno, initial_window

MSS = 1000


@pytest.mark.parametrize("name", ["newreno", "cubic"])
class TestBoth:
    def test_slow_start_doubles_a_round_trip(self, name: str) -> None:
        congestion = choose(name, MSS, 10)
        for _ in range(10):
            congestion.acknowledged(MSS, 0.0, 0.1)
        assert congestion.window == 20 * MSS

    def test_a_time_out_leaves_one_segment(self, name: str) -> None:
        congestion = choose(name, MSS, 10)
        congestion.timed_out(10 * MSS, 0.0)
        assert congestion.window == MSS
        assert congestion.threshold in (5 * MSS, 7 * MSS)

    def test_never_below_two_segments_after_a_loss(self, name: str) -> None:
        congestion = choose(name, MSS, 10)
        for _ in range(10):
            congestion.lost(congestion.window, 0.0)
        assert congestion.window == congestion.threshold == 2 * MSS

    def test_restart_falls_back_to_the_initial_window(self, name: str) -> None:
        congestion = choose(name, MSS, 10)
        congestion.acknowledged(50 * MSS, 0.0, 0.1)
        congestion.restart()
        assert congestion.window == 10 * MSS
        congestion.timed_out(10 * MSS, 0.0)
        congestion.restart()
        assert congestion.window == MSS

    def test_avoidance_grows(self, name: str) -> None:
        congestion: Congestion = choose(name, MSS, 10)
        congestion.acknowledged(90 * MSS, 0.0, 0.1)
        congestion.lost(congestion.window, 0.0)
        before, now = congestion.window, 0.0
        for _ in range(20):
            now += 0.1
            congestion.acknowledged(congestion.window, now, 0.1)
        assert congestion.window >= before + 10 * MSS


def test_initial_window_by_rfc_6928() -> None:
    assert initial_window(1460, 10) == 14600
    assert initial_window(1000, 10) == 10000
    assert initial_window(8960, 10) == 17920
    assert initial_window(1460, 3) == 4380


def test_newreno_adds_a_segment_a_window() -> None:
    reno = NewReno(MSS, 10)
    reno.lost(20 * MSS, 0.0)
    assert reno.window == 10 * MSS
    for _ in range(10):
        reno.acknowledged(MSS, 0.0, 0.1)
    assert reno.window == 11 * MSS


def test_cubic_reaches_the_last_maximum_after_k_seconds() -> None:
    cubic = Cubic(MSS, 10)
    cubic.acknowledged(90 * MSS, 0.0, 0.0)
    cubic.lost(100 * MSS, 0.0)
    assert cubic.window == 70 * MSS
    k = (100 * (1 - BETA) / C) ** (1 / 3)
    now, rtt = 0.0, 0.2  # a long round trip: Reno would be slower
    cubic.acknowledged(1, now, rtt)
    while now < k:
        now += rtt
        cubic.acknowledged(cubic.window, now, rtt)
    assert cubic.window == pytest.approx(100 * MSS, rel=0.06)


def test_cubic_is_no_slower_than_reno_on_a_short_round_trip() -> None:
    cubic, rtt, now = Cubic(MSS, 10), 0.001, 0.0
    cubic.acknowledged(90 * MSS, 0.0, rtt)
    cubic.lost(100 * MSS, 0.0)
    for _ in range(50):
        now += rtt
        cubic.acknowledged(cubic.window, now, rtt)
    assert cubic.window >= (70 + 50 * 0.5) * MSS


def test_an_unknown_algorithm_is_a_users_mistake() -> None:
    with pytest.raises(ConfigError, match="vegas"):
        choose("vegas", MSS, 10)
