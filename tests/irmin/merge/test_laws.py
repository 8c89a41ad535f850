"""The laws that merges keep: a side that has not changed gives way, equal sides stay, order does not matter."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fata.blocking import drive
from fata.irmin.errors import Conflict
from fata.irmin.merge.collections import mappings, multisets, sequences, sets
from fata.irmin.merge.combined import first_of, like, take_ours, with_conflict
from fata.irmin.merge.contract import Merge, known
from fata.irmin.merge.default import default, idempotent, option
from fata.irmin.merge.numbers import counter, largest, smallest
from fata.irmin.merge.products import pairs, triples
from fata.irmin.merge.text import text

NUMBERS = st.integers(-5, 5)
SETS = st.frozensets(NUMBERS, max_size=4)
BAGS = st.dictionaries(NUMBERS, st.integers(1, 3), max_size=4)
MAPS = st.dictionaries(st.sampled_from("abc"), NUMBERS)
TEXTS = st.lists(st.sampled_from("abc"), max_size=8).map("\n".join)
SEQUENCES = st.lists(NUMBERS, max_size=4).map(tuple)

CASES: dict[str, tuple[Merge[Any], st.SearchStrategy[Any]]] = {
    "default": (default, NUMBERS),
    "option": (option(counter), NUMBERS | st.none()),
    "counter": (counter, NUMBERS),
    "sets": (sets, SETS),
    "multisets": (multisets, BAGS),
    "pairs": (pairs(counter, sets), st.tuples(NUMBERS, SETS)),
    "triples": (triples(counter, sets, default), st.tuples(NUMBERS, SETS, NUMBERS)),
    "mappings": (mappings(counter), MAPS),
    "mappings of default": (mappings(default), MAPS),
    "text": (text, TEXTS),
    "like": (like(counter, int, str), NUMBERS.map(str)),
    "first_of": (first_of(default, counter), NUMBERS),
}
COMMUTATIVE = {**CASES, "largest": (largest, NUMBERS), "smallest": (smallest, NUMBERS)}
IDEMPOTENT = {
    **{name: CASES[name] for name in ("default", "sets", "text", "mappings of default")},
    "idempotent": (idempotent(counter), NUMBERS),
    "largest": (largest, NUMBERS),
    "smallest": (smallest, NUMBERS),
}


def outcome(merge: Merge[Any], base: Any, ours: Any, theirs: Any) -> Any:
    """Return what a merge gives; the word "conflict" if that is it."""
    try:
        return drive(merge(known(base), ours, theirs))
    except Conflict:
        return "conflict"


@pytest.mark.parametrize("name", CASES)
@given(data=st.data())
def test_the_side_that_has_changed_wins(name: str, data: st.DataObject) -> None:
    merge, values = CASES[name]
    base, changed = data.draw(values), data.draw(values)
    assert outcome(merge, base, base, changed) == changed
    assert outcome(merge, base, changed, base) == changed


@pytest.mark.parametrize("name", COMMUTATIVE)
@given(data=st.data())
def test_commutative(name: str, data: st.DataObject) -> None:
    merge, values = COMMUTATIVE[name]
    base, ours, theirs = data.draw(values | st.none()), data.draw(values), data.draw(values)
    assert outcome(merge, base, ours, theirs) == outcome(merge, base, theirs, ours)


@pytest.mark.parametrize("name", IDEMPOTENT)
@given(data=st.data())
def test_idempotent(name: str, data: st.DataObject) -> None:
    merge, values = IDEMPOTENT[name]
    base, both = data.draw(values | st.none()), data.draw(values)
    assert outcome(merge, base, both, both) == both


@given(base=BAGS, ours=BAGS, theirs=BAGS)
def test_multisets_add_up(base: dict[int, int], ours: dict[int, int], theirs: dict[int, int]) -> None:
    merged = outcome(multisets, base, ours, theirs)
    for element in Counter(base) | Counter(ours) | Counter(theirs):
        sum_of_all = ours.get(element, 0) + theirs.get(element, 0) - base.get(element, 0)
        assert merged.get(element, 0) == max(0, sum_of_all)


@given(base=SEQUENCES, ours=SEQUENCES, theirs=SEQUENCES)
def test_sequences_keep_what_both_have_appended(base: Any, ours: Any, theirs: Any) -> None:
    assert outcome(sequences, base, base + ours, base + theirs) == base + ours + theirs


def test_a_base_that_is_not_needed_is_not_asked_for() -> None:
    async def costly() -> int | None:
        raise AssertionError("the base was asked for")

    assert drive(default(costly, 1, 1)) == 1
    assert drive(largest(costly, 1, 2)) == 2
    smaller: Merge[int] = take_ours(int.__lt__)
    assert drive(smaller(costly, 1, 2)) == 1


def test_conflicts_say_where() -> None:
    merge: Merge[Any] = mappings(pairs(counter, default))
    with pytest.raises(Conflict) as caught:
        drive(merge(known({"a": (0, 0)}), {"a": (1, 1)}, {"a": (1, 2)}))
    assert (caught.value.path, caught.value.ours, caught.value.theirs) == (("a", "1"), 1, 2)


def test_a_conflict_in_other_words() -> None:
    merge: Merge[Any] = with_conflict(default, lambda reason: f"prices: {reason}")
    with pytest.raises(Conflict, match="prices: both sides changed it"):
        drive(merge(known(0), 1, 2))


def test_first_of_tells_the_last_conflict() -> None:
    merge: Merge[Any] = first_of(default, with_conflict(default, lambda _reason: "the last"))
    with pytest.raises(Conflict, match="the last"):
        drive(merge(known(0), 1, 2))
