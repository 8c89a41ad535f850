"""The arena that frames are sent from: pieces lie inside it and apart, and all room comes back."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fata.driver.virtio.arena import Arena

SIZE = 64


def test_a_piece_after_one_that_ends_with_the_arena_begins_at_its_start() -> None:
    arena = Arena(SIZE)
    assert [arena.take(0, 40), arena.take(1, 24)] == [0, 40]
    arena.give(0)
    assert arena.take(2, 16) == 0


def test_a_token_is_used_again_while_an_older_piece_is_out() -> None:
    arena = Arena(SIZE)
    for token, octets in ((0, 8), (1, 8)):
        arena.take(token, octets)
    arena.give(1)
    assert arena.take(1, 8) == 16
    for token in (1, 0):
        arena.give(token)
    assert arena.take(0, SIZE) == 0


@given(st.lists(st.tuples(st.integers(1, SIZE), st.integers(0, 7)), max_size=60))
def test_pieces_lie_inside_and_apart_and_all_room_comes_back(steps: list[tuple[int, int]]) -> None:
    arena = Arena(SIZE)
    out: dict[int, range] = {}
    for octets, token in steps:
        if token in out:
            arena.give(token)
            del out[token]
            continue
        start = arena.take(token, octets)
        if start is None:
            continue
        piece = range(start, start + octets)
        assert piece.stop <= SIZE
        assert all(piece.stop <= other.start or other.stop <= piece.start for other in out.values())
        out[token] = piece
    for token in out:
        arena.give(token)
    assert arena.take(0, SIZE) == 0
