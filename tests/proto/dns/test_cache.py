"""The cache: time, size, and who makes room."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fata.proto.dns.cache import ENTRY_COST, Cache


def cache(entries: int) -> Cache[str, int]:
    """Return a cache for so many values of 100 octets."""
    return Cache(entries * (ENTRY_COST + 100))


def test_a_value_is_known_until_its_time_is_over() -> None:
    known = cache(8)
    known.put("a", 1, 100, ttl=10, now=5.0)
    assert (known.get("a", 14.9), known.get("a", 15.0), known.get("b", 0.0)) == (1, None, None)
    assert (len(known), known.octets, known.counters.hits, known.counters.misses) == (0, 0, 1, 2)


def test_a_value_without_time_is_not_kept_and_replaces_what_was_there() -> None:
    known = cache(8)
    known.put("a", 1, 100, ttl=10, now=0.0)
    known.put("a", 2, 100, ttl=0, now=1.0)
    assert known.get("a", 1.0) is None


def test_what_was_asked_for_longest_ago_makes_room() -> None:
    known = cache(4)
    for number, key in enumerate("abcd"):
        known.put(key, number, 100, ttl=10, now=0.0)
    known.get("a", 1.0)
    known.put("e", 5, 100, ttl=10, now=1.0)
    assert [key for key in "abcde" if known.get(key, 2.0) is not None] == ["a", "c", "d", "e"]
    assert known.counters.evicted == 1


def test_one_huge_value_does_not_push_out_all_others() -> None:
    known = cache(8)
    known.put("a", 1, 100, ttl=10, now=0.0)
    known.put("huge", 2, 2000, ttl=10, now=0.0)
    assert (known.get("a", 1.0), known.get("huge", 1.0)) == (1, None)


def test_clear_forgets_all() -> None:
    known = cache(8)
    known.put("a", 1, 100, ttl=10, now=0.0)
    known.clear()
    assert (known.get("a", 0.0), known.octets) == (None, 0)


PUT = st.tuples(st.sampled_from("abcdef"), st.integers(0, 1000), st.integers(0, 20), st.sampled_from((0.0, 1.0, 9.0)))


@given(st.lists(PUT, max_size=60))
def test_it_never_holds_more_than_its_octets_nor_what_is_out_of_date(
    puts: list[tuple[str, int, int, float]],
) -> None:
    known, now, model = cache(4), 0.0, dict[str, tuple[int, float]]()
    for number, (key, size, ttl, step) in enumerate(puts):
        now += step
        known.put(key, number, size, ttl, now)
        model[key] = (number, now + ttl)
        assert known.octets <= 4 * (ENTRY_COST + 100)
        for each, (value, expires) in model.items():
            assert known.get(each, now) in ((value, None) if expires > now else (None,))
