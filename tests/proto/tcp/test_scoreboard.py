"""The scoreboard against RFC 6675's definitions, octet by octet."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fata.proto.tcp.sack import DUPLICATES, Scoreboard

MSS = 10
NXT = 200


class Model:
    """SetPipe and IsLost as the RFC writes them."""

    def __init__(self) -> None:
        self.una = 0
        self.sacked: set[int] = set()
        self.lost_edge = 0
        self.high = 0

    def mark(self) -> None:
        for octet in range(self.una, NXT):
            above = sorted(n for n in self.sacked if n > octet)
            runs = sum(1 for n in above if n - 1 not in above)
            if octet not in self.sacked and (runs >= DUPLICATES or len(above) > (DUPLICATES - 1) * MSS):
                self.lost_edge = max(self.lost_edge, octet + 1)

    def pipe(self) -> int:
        free = [n for n in range(self.una, NXT) if n not in self.sacked]
        return sum(n >= self.lost_edge for n in free) + sum(n < self.high for n in free)


BLOCKS = st.lists(st.tuples(st.integers(0, NXT), st.integers(1, 40)), max_size=4)
STEPS = st.lists(st.one_of(BLOCKS, st.integers(0, 60), st.just("resend")), max_size=25)


@given(STEPS)
def test_pipe_is_what_the_rfc_defines(steps: list[list[tuple[int, int]] | int | str]) -> None:
    board, model = Scoreboard(0), Model()
    for step in steps:
        if isinstance(step, int):
            model.una = min(NXT, model.una + step)
            model.sacked = {n for n in model.sacked if n >= model.una}
            board.advance(model.una)
            model.high = max(model.high, model.una)
            model.lost_edge = max(model.lost_edge, model.una)
        elif isinstance(step, str):
            start, end = board.next_lost(NXT)
            if start < end:
                assert not model.sacked & set(range(start, end))
                assert start >= model.high
                assert end <= model.lost_edge
                board.resent(start, min(end, start + MSS))
                model.high = min(end, start + MSS)
        else:
            blocks = [(a, a + n) for a, n in step]
            good = [(a, b) for a, b in blocks if a >= model.una and b <= NXT]
            new = {n for a, b in good for n in range(a, b)} - model.sacked
            assert board.update(blocks, NXT) == len(new)
            model.sacked |= new
            board.mark_lost(MSS)
            model.mark()
        assert board.sacked == len(model.sacked)
        assert board.pipe(NXT) == model.pipe()
        assert board.retransmitted >= 0


def test_lies_about_octets_never_sent_are_passed_over() -> None:
    board = Scoreboard(100)
    assert board.update([(50, 120), (150, 260), (180, 170)], NXT) == 0
    assert board.sacked == 0


def test_rescue_comes_once() -> None:
    board = Scoreboard(0)
    board.update([(50, 60)], NXT)
    assert board.rescue(NXT) == (60, NXT)
    start, end = board.rescue(NXT)
    assert start >= end


def test_after_a_second_time_out_the_peer_is_not_believed() -> None:
    board = Scoreboard(0)
    board.update([(50, 60)], NXT)
    board.all_lost(NXT, forget=False)
    assert board.next_lost(NXT) == (0, 50)
    board.all_lost(NXT, forget=True)
    assert board.next_lost(NXT) == (0, NXT)
