"""Out-of-order segments: against a model of octets, and against those who want memory or time."""

from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from fata.proto.tcp.reassembly import OVERHEAD, Reassembly

STREAM = Random(1).randbytes(400)
SEGMENTS = st.lists(st.tuples(st.integers(1, 300), st.integers(1, 60)), max_size=40)


def piece(seq: int, length: int, waste: int = 0) -> tuple[bytes, int, int]:
    """A frame with the stream's octets behind `waste` others."""
    return bytes(waste) + STREAM[seq : seq + length], waste, waste + len(STREAM[seq : seq + length])


def check(kept: Reassembly) -> None:
    """Pieces are sorted, disjoint, and hold what the stream has there; the sums are right."""
    assert kept.starts == sorted(kept.starts)
    assert all(end <= start for end, start in zip(kept.ends, kept.starts[1:], strict=False))
    for start, end, (data, low, high) in zip(kept.starts, kept.ends, kept.pieces, strict=True):
        assert data[low:high] == STREAM[start:end]
    assert kept.charge == sum(len(data) + OVERHEAD for data, _, _ in kept.pieces)
    covered = {n for a, b in zip(kept.starts, kept.ends, strict=True) for n in range(a, b)}
    told = {n for a, b in zip(kept.ranges.starts, kept.ranges.ends, strict=True) for n in range(a, b)}
    assert covered == told


@given(SEGMENTS, st.integers(0, 80))
def test_as_a_set_of_octets(arrived: list[tuple[int, int]], waste: int) -> None:
    kept, model = Reassembly(1 << 20), set[int]()
    for seq, length in arrived:
        assert kept.add(seq, piece(seq, length, waste))
        model |= set(range(seq, seq + length))
        check(kept)
    first = next((n for n in range(500) if n in model), 0)
    pieces, behind = kept.take(first)
    expected = next((n for n in range(first, 500) if n not in model), first)
    assert behind == (expected if model else first)
    assert b"".join(data[low:high] for data, low, high in pieces) == STREAM[first:behind]
    assert all(start > behind for start in kept.starts)


@given(SEGMENTS, st.integers(400, 4000))
def test_memory_stays_below_the_limit(arrived: list[tuple[int, int]], limit: int) -> None:
    kept = Reassembly(limit)
    for seq, length in arrived:
        kept.add(seq, piece(seq, length, 50))
        assert 0 <= kept.charge <= limit
        check(kept)


def test_small_payloads_in_large_frames_are_copied_together_before_anything_is_refused() -> None:
    kept = Reassembly(16 * 1024)
    for seq in range(1, 400):  # one octet each, in frames of 1,514
        assert kept.add(seq, piece(seq, 1, 1513))
        assert kept.charge <= kept.limit
    pieces, behind = kept.take(1)
    assert behind == 400
    assert b"".join(data[low:high] for data, low, high in pieces) == STREAM[1:400]


def test_islands_of_one_octet_are_refused_when_memory_is_used_up() -> None:
    kept = Reassembly(64 * 1024)
    taken = sum(kept.add(seq, (bytes(1514), 1513, 1514)) for seq in range(0, 100_000, 2))
    assert kept.charge <= kept.limit
    assert 300 < taken < 500  # 64 KiB at 160 and one octet each


def test_blocks_begin_with_what_came_last() -> None:
    kept = Reassembly(1 << 20)
    for seq in (100, 20, 60, 25):
        kept.add(seq, piece(seq, 5))
    assert kept.blocks(3) == [(20, 30), (60, 65), (100, 105)]
    kept.take(20)
    assert kept.blocks(3) == [(60, 65), (100, 105)]


class Counting(int):
    """A sequence number that counts its comparisons."""

    compared = 0

    def __lt__(self, other: object) -> bool:
        Counting.compared += 1
        return int.__lt__(self, other)  # type: ignore[operator]

    __hash__ = int.__hash__


def comparisons(count: int) -> int:
    """How many comparisons a flood of `count` islands costs."""
    kept = Reassembly(1 << 30)
    order = list(range(count))
    Random(2).shuffle(order)
    Counting.compared = 0
    for at in order:
        kept.add(Counting(at * 10), (b"x" * 5, 0, 5))
    return Counting.compared


def test_ten_times_the_segments_cost_at_most_twelve_times_the_work_plus_bisection() -> None:
    few, many = comparisons(500), comparisons(5_000)
    assert many <= 12 * 1.4 * few  # log2(5000) / log2(500) is 1.4
