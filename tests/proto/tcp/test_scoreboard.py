"""The scoreboard against sets of octets."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fata.proto.tcp.sack import Scoreboard

MSS = 10
NXT = 200


class Model:
    """What is outstanding, octet by octet."""

    def __init__(self) -> None:
        self.una = 0
        self.sacked: set[int] = set()
        self.lost: set[int] = set()

    def advance(self, una: int) -> None:
        self.una = una
        self.sacked = {n for n in self.sacked if n >= una}
        self.lost = {n for n in self.lost if n >= una}
        if una in self.sacked:  # it gave up what it held
            self.sacked.clear()

    def take(self, blocks: list[tuple[int, int]]) -> set[int]:
        good = [(low, high) for low, high in blocks if low > self.una and high <= NXT]
        new = {n for low, high in good for n in range(low, high)} - self.sacked
        self.sacked |= new
        self.lost -= new
        return new

    @property
    def pipe(self) -> int:
        return sum(n not in self.sacked and n not in self.lost for n in range(self.una, NXT))


BLOCKS = st.lists(st.tuples(st.integers(0, NXT), st.integers(1, 40)), max_size=4)
MARKS = st.tuples(st.integers(0, NXT), st.integers(0, 60))
STEPS = st.lists(st.one_of(BLOCKS, MARKS, st.integers(0, 60), st.just("resend"), st.just("all")), max_size=25)


def resend(board: Scoreboard, model: Model) -> None:
    start, end = board.next_lost()
    assert set(range(start, end)) <= model.lost
    assert start == min(model.lost, default=board.una)
    end = min(end, start + MSS)
    board.resent(start, end)
    model.lost -= set(range(start, end))


@given(STEPS)
def test_pipe_is_what_is_neither_held_nor_lost(
    steps: list[list[tuple[int, int]] | tuple[int, int] | int | str],
) -> None:
    board, model = Scoreboard(0), Model()
    for step in steps:
        if isinstance(step, int):
            model.advance(min(NXT, model.una + step))
            board.advance(model.una)
        elif isinstance(step, tuple):
            start = max(step[0], board.una)
            end = min(NXT, start + step[1])
            new = set(range(start, end)) - model.sacked
            assert board.mark(start, end) == len(new - model.lost)
            model.lost |= new
        elif step == "all":
            board.all_lost(NXT)
            model.lost = set(range(model.una, NXT)) - model.sacked
        elif step == "resend":
            resend(board, model)
        else:
            assert isinstance(step, list)
            blocks = [(low, low + length) for low, length in step]
            fresh = board.update(blocks, NXT)
            assert fresh == sorted(fresh)
            new = model.take(blocks)
            assert sum(high - low for low, high in fresh) == len(new)
            assert {n for low, high in fresh for n in range(low, high)} == new
        assert board.sacked == len(model.sacked)
        assert board.missing == len(model.lost)
        assert board.pipe(NXT) == model.pipe


def test_lies_about_octets_never_sent_are_passed_over() -> None:
    board = Scoreboard(100)
    assert board.update([(50, 120), (150, 260), (180, 170)], NXT) == []
    assert board.sacked == 0


def test_three_segments_beyond_a_gap_are_telling() -> None:
    for blocks, telling in (
        ([(50, 60)], False),
        ([(50, 70)], False),
        ([(50, 71)], True),
        ([(50, 51), (60, 61)], False),
        ([(50, 51), (60, 61), (70, 71)], True),
    ):
        board = Scoreboard(0)
        board.update(blocks, NXT)
        assert board.is_telling(MSS) == telling, blocks


def test_a_peer_that_gives_up_what_it_held_is_not_believed_any_more() -> None:
    board = Scoreboard(0)
    board.update([(50, 60), (80, 90)], NXT)
    board.all_lost(NXT)
    board.advance(50)
    assert board.sacked == 0
    board.all_lost(NXT)
    assert board.next_lost() == (50, NXT)
