"""Sequence numbers: 32 bits outside, unbounded inside."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fata.proto.tcp.sequence import HALF, MASK, MODULUS, is_newer, unwrap


@given(st.integers(0, 1 << 40), st.integers(-HALF, HALF - 1))
def test_unwrap_finds_the_closest_number(near: int, distance: int) -> None:
    number = near + distance
    assert unwrap(number & MASK, near) == number


def test_unwrap_around_two_to_the_32nd() -> None:
    assert unwrap(3, MODULUS - 2) == MODULUS + 3
    assert unwrap(MASK, MODULUS + 5) == MODULUS - 1


def test_newer_is_less_than_half_a_circle_ahead() -> None:
    assert is_newer(0, MASK)
    assert not is_newer(MASK, 0)
    assert not is_newer(5, 5)
