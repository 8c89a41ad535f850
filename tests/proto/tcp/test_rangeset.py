"""Ranges against a plain set of numbers."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fata.proto.tcp.rangeset import RangeSet

RANGES = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 12)), max_size=30)


def numbers(ranges: RangeSet) -> set[int]:
    return {n for start, end in zip(ranges.starts, ranges.ends, strict=True) for n in range(start, end)}


@given(RANGES, st.integers(-1, 75))
def test_as_a_set(added: list[tuple[int, int]], bound: int) -> None:
    ranges, model = RangeSet(), set[int]()
    for start, length in added:
        new = set(range(start, start + length))
        assert ranges.add(start, start + length) == len(new - model)
        model |= new
        assert numbers(ranges) == model
        edges = [edge for pair in zip(ranges.starts, ranges.ends, strict=True) for edge in pair]
        assert edges == sorted(set(edges))  # disjoint, and joined where they touch
    assert ranges.remove_below(bound) == len({n for n in model if n < bound})
    assert numbers(ranges) == {n for n in model if n >= bound}


@given(RANGES, st.integers(0, 70), st.integers(0, 80))
def test_gap_and_find(added: list[tuple[int, int]], number: int, limit: int) -> None:
    ranges, model = RangeSet(), set[int]()
    for start, length in added:
        ranges.add(start, start + length)
        model |= set(range(start, start + length))
    start, end = ranges.gap(number, limit)
    missing = [n for n in range(number, limit) if n not in model]
    if missing:
        assert start == missing[0]
        assert all(n not in model for n in range(start, end))
        assert end == limit or end in model
    else:
        assert start >= end
    found = ranges.find(number)
    assert (found is not None) == (number in model)
