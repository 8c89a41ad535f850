"""Ranges against a plain set of numbers."""

from __future__ import annotations

import itertools

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
def test_gaps_and_what_is_removed(added: list[tuple[int, int]], start: int, end: int) -> None:
    ranges, model = RangeSet(), set[int]()
    for low, length in added:
        ranges.add(low, low + length)
        model |= set(range(low, low + length))
    found = ranges.find(start)
    assert (found is not None and found[0] <= start < found[1]) == (start in model)
    gaps = ranges.gaps(start, end)
    assert {n for low, high in gaps for n in range(low, high)} == set(range(start, end)) - model
    assert all(low < high for low, high in gaps)
    assert all(high < low for (_, high), (low, _) in itertools.pairwise(gaps))
    assert ranges.remove(start, end) == len(model & set(range(start, end)))
    assert numbers(ranges) == model - set(range(start, end))
    assert all(low < high for low, high in zip(ranges.starts, ranges.ends, strict=True))
