"""The retransmission timeout, by RFC 6298's numbers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fata.proto.tcp.rtt import Rtt


def test_first_sample() -> None:
    rtt = Rtt(1.0, 0.2, 60.0)
    rtt.sample(0.4)
    assert rtt.smoothed == 0.4
    assert rtt.variation == 0.2
    assert rtt.timeout == pytest.approx(0.4 + 4 * 0.2)


def test_second_sample() -> None:
    rtt = Rtt(1.0, 0.2, 60.0)
    rtt.sample(0.4)
    rtt.sample(0.8)
    assert rtt.variation == pytest.approx(0.75 * 0.2 + 0.25 * 0.4)
    assert rtt.smoothed == pytest.approx(0.875 * 0.4 + 0.125 * 0.8)


def test_back_off_doubles_up_to_the_maximum_and_a_sample_ends_it() -> None:
    rtt = Rtt(1.0, 0.2, 60.0)
    seen = []
    for _ in range(8):
        rtt.back_off()
        seen.append(rtt.timeout)
    assert seen == [2, 4, 8, 16, 32, 60, 60, 60]
    rtt.sample(0.01)
    assert rtt.timeout == 0.2


@given(st.lists(st.floats(0, 1000), min_size=1))
def test_the_timeout_stays_within_its_bounds(samples: list[float]) -> None:
    rtt = Rtt(1.0, 0.2, 60.0)
    for sample in samples:
        rtt.sample(sample)
        assert 0.2 <= rtt.timeout <= 60.0
