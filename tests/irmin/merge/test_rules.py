"""Merges chosen by path."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from fata.irmin import JSON, MemoryBackend, Records, Repo
from fata.irmin.contents.contract import Contents
from fata.irmin.contents.plain import Plain
from fata.irmin.errors import Conflict
from fata.irmin.merge.collections import mappings
from fata.irmin.merge.combined import like
from fata.irmin.merge.contract import Merge
from fata.irmin.merge.default import default
from fata.irmin.merge.numbers import counter
from fata.irmin.merge.rules import Rules
from fata.irmin.merge.text import text


@pytest.mark.parametrize(
    ("pattern", "fits", "fails"),
    [
        ("*.txt", ["a.txt"], ["d/a.txt", "a.txtx", "axtxt"]),
        ("**/*.txt", ["a.txt", "d/e/a.txt"], ["a.txt/b"]),
        ("counters/**", ["counters/a", "counters/a/b"], ["counters", "countersx/a"]),
        ("a/?/c", ["a/b/c"], ["a/bb/c", "a/b/c/d"]),
        ("a/**/c", ["a/c", "a/b/c", "a/b/b/c"], ["c", "ac"]),
        ("exact+name", ["exact+name"], ["exactname"]),
    ],
)
def test_patterns(pattern: str, fits: list[str], fails: list[str]) -> None:
    rules: Rules[int] = Rules({pattern: counter})
    assert all(rules.at(path) is counter for path in fits)
    assert all(rules.at(path) is default for path in fails)


def test_the_first_that_fits_decides() -> None:
    rules: Rules[int] = Rules({"a/b": default, "a/**": counter}, counter)
    assert rules.at("a/b") is default
    assert rules.at("x") is counter


@pytest.mark.virtual_time
async def test_a_store_merges_by_path() -> None:
    number: Merge[str] = like(counter, int, str)
    contents = Plain("mixed", str.encode, bytes.decode, Rules({"count/**": number, "*.txt": text}))
    store = await Repo(MemoryBackend(), contents).main()
    await store.set_all({"count/a": "1", "n.txt": "a\nb\nc\n", "other": "x"})
    draft = await store.clone("draft")
    await draft.set_all({"count/a": "5", "n.txt": "A\nb\nc\n"})
    await store.set_all({"count/a": "2", "n.txt": "a\nb\nC\n"})
    await store.merge_with(draft)
    assert [await store.get("count/a"), await store.get("n.txt")] == ["6", "A\nb\nC\n"]
    await store.merge("count/a", "6", "10")
    assert await store.get("count/a") == "10"
    await draft.set("other", "y")
    await store.set("other", "z")
    with pytest.raises(Conflict):
        await store.merge_with(draft)


@dataclass(frozen=True)
class Visits:
    page: str
    count: int = field(metadata={"merge": counter})


@pytest.mark.virtual_time
async def test_equal_changes_are_asked_about_wherever_a_counter_is() -> None:
    """A counter by path, in a mapping, in a dataclass: both sides added one, so there are two more."""
    by_path: Plain[Any] = Plain("numbers", JSON.encode, JSON.decode, Rules({"counters/**": counter}))
    in_mapping: Plain[Any] = Plain("mapping", JSON.encode, JSON.decode, mappings(counter))
    cases: list[tuple[Contents[Any], str, Any, Any, Any]] = [
        (by_path, "counters/a", 5, 6, 7),
        (by_path, "other/a", 5, 6, 6),
        (in_mapping, "a", {"x": 5, "y": 1}, {"x": 6, "y": 1}, {"x": 7, "y": 1}),
        (Records([Visits]), "a", Visits("a", 5), Visits("b", 6), Visits("b", 7)),
    ]
    for contents, path, before, both, after in cases:
        here = await Repo(MemoryBackend(), contents).main()
        await here.set(path, before)
        there = await here.clone("there")
        await here.set(path, both, message="here")
        await there.set(path, both, message="there")
        await here.merge_with(there)
        assert await here.get(path) == after
