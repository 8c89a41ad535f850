"""The log's form, its replay, and that the oracle sees a flush that was dropped, late, or before its writes."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.durability import log_writes
from tests.durability.journal import content, plan
from tests.durability.log_writes import DISCARD, FLUSH, HEAD, MAGIC, SUPER, Entry, LogError, parse
from tests.durability.oracle import expected, missing
from tests.durability.replay import flush_points

SIZE, SECTORS, ROUNDS = 512, 64, 8
A_FLUSH = Entry(0, 0, FLUSH, b"")


def padded(octets: bytes) -> bytes:
    return octets + bytes(-len(octets) % SIZE)


def write(entries: list[Entry], counted: int) -> bytes:
    """Write a log."""
    heads = (padded(HEAD.pack(each.sector, each.sectors, each.flags, 0)) + each.data for each in entries)
    return padded(SUPER.pack(MAGIC, log_writes.VERSION, counted, SIZE)) + b"".join(heads)


@st.composite
def entry(draw: st.DrawFn) -> Entry:
    kind = draw(st.sampled_from(["write", "flush", "discard"]))
    if kind == "flush":
        return A_FLUSH
    sectors = draw(st.integers(1, 3))
    data = b"" if kind == "discard" else draw(st.binary(min_size=8, max_size=8)) * (sectors * SIZE // 8)
    return Entry(draw(st.integers(0, SECTORS - 3)), sectors, DISCARD if kind == "discard" else 0, data)


@given(st.lists(entry(), max_size=8), st.data())
def test_what_is_written_is_read_though_the_first_sector_counts_less(entries: list[Entry], data: st.DataObject) -> None:
    counted = data.draw(st.integers(0, len(entries)))
    assert parse(write(entries, counted)) == (SIZE, entries)


def test_a_log_that_was_cut_off_is_refused() -> None:
    log = write([Entry(1, 1, 0, bytes(SIZE)), A_FLUSH], 2)
    for length in range(len(log)):
        with pytest.raises(LogError):
            parse(log[:length])


@given(st.binary(max_size=600), st.booleans())
def test_garbage_is_refused_and_nothing_else(octets: bytes, begins_well: bool) -> None:
    log = write([], 3) + octets if begins_well else octets
    with pytest.raises(LogError):
        parse(log)


def journal() -> list[Entry]:
    """Return the log of a disk that does as it is told."""
    entries = []
    for round_ in range(1, ROUNDS + 1):
        for start, length in plan(round_, SECTORS):
            octets = b"".join(content(round_, sector, SIZE) for sector in range(start, start + length))
            entries.append(Entry(start, length, 0, octets))
        entries.append(A_FLUSH)
    return entries


def test_every_flush_point_is_a_round() -> None:
    points = list(flush_points(bytes(SECTORS * SIZE), SIZE, [A_FLUSH, *journal(), A_FLUSH]))
    assert points == [expected(round_, SECTORS, SIZE) for round_ in range(1, ROUNDS + 1)]
    assert missing(journal(), SECTORS, SIZE, ROUNDS) == []


def drops_all(log: list[Entry]) -> list[Entry]:
    return [each for each in log if not each.flushes]


def drops_one(log: list[Entry]) -> list[Entry]:
    gone = random.Random(1).choice([place for place, each in enumerate(log) if each.flushes])
    return log[:gone] + log[gone + 1 :]


def flushes_before_the_last_write(log: list[Entry]) -> list[Entry]:
    moved = list(log)
    for place, each in enumerate(log):
        if each.flushes:
            moved[place - 1 : place + 1] = [each, log[place - 1]]
    return moved


def drops_the_last(log: list[Entry]) -> list[Entry]:
    return log[:-1]


@pytest.mark.parametrize("mutate", [drops_all, drops_one, flushes_before_the_last_write, drops_the_last])
def test_a_disk_that_lies_is_found_out(mutate: Callable[[list[Entry]], list[Entry]]) -> None:
    assert missing(mutate(journal()), SECTORS, SIZE, ROUNDS) != []
