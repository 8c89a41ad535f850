"""Deadlines against a dictionary that is searched."""

from __future__ import annotations

from math import inf

from hypothesis import given
from hypothesis import strategies as st

from fata.proto.deadlines import SLACK, Deadlines

STEP = st.tuples(st.sampled_from(["set", "discard", "due"]), st.integers(0, 5), st.integers(0, 20))


@given(st.lists(STEP, max_size=100))
def test_it_behaves_as_a_dictionary_that_is_searched(steps: list[tuple[str, int, int]]) -> None:
    deadlines: Deadlines[int] = Deadlines()
    model: dict[int, int] = {}
    for verb, key, time in steps:
        if verb == "set":
            deadlines.set(key, time)
            model.pop(key, None)
            model[key] = time
        elif verb == "discard":
            deadlines.discard(key)
            model.pop(key, None)
        else:
            due = sorted((key for key in model if model[key] <= time), key=lambda key: model[key])
            assert deadlines.due(time) == due
            model = {key: at for key, at in model.items() if at > time}
        assert deadlines.next() == min(model.values(), default=inf)
        assert len(deadlines) == len(model)


def test_moving_and_discarding_keep_no_memory() -> None:
    deadlines: Deadlines[int] = Deadlines()
    for number in range(10_000):
        deadlines.set(number % 3, float(number))
        deadlines.set(number, float(number))
        deadlines.discard(number)
    assert len(deadlines._heap) <= 2 * len(deadlines) + SLACK
