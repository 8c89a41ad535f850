"""Types of contents: octets both ways, what is refused, how values merge."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fata.blocking import drive as call
from fata.errors import StateError
from fata.irmin import BYTES, JSON, JSON_OBJECT, TEXT, MemoryBackend, Records, Repo
from fata.irmin.errors import Conflict, CorruptObject
from fata.irmin.merge.contract import known
from fata.irmin.merge.numbers import counter

leaves = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
values = st.recursive(leaves, lambda below: st.lists(below) | st.dictionaries(st.text(), below), max_leaves=8)


@dataclass(frozen=True)
class Tag:
    name: str


@dataclass(frozen=True)
class Page:
    title: str
    visits: int = field(default=0, metadata={"merge": counter})
    tags: list[Tag] = field(default_factory=list)


PAGES = Records([Page, Tag])


@given(values)
def test_json_comes_back(value: Any) -> None:
    octets = JSON.encode(value)
    assert JSON.decode(octets) == value
    assert JSON.encode(JSON.decode(octets)) == octets


def test_json_is_written_in_one_way() -> None:
    assert JSON.encode({"b": [1, None], "a": "é"}) == '{"a":"é","b":[1,null]}'.encode()


@pytest.mark.parametrize("octets", [b"", b"{", b"NaN", b"\xff", b"[" * 100_000, b"{'a':1}", b'"\\ud800'])
def test_what_is_no_json_is_a_value_error(octets: bytes) -> None:
    with pytest.raises(ValueError):
        JSON.decode(octets)
    with pytest.raises(ValueError):
        JSON_OBJECT.decode(b"[1]")


def merged(base: Any, ours: Any, theirs: Any) -> Any:
    return call(JSON.merge(known(base), ours, theirs))


def test_objects_merge_key_by_key() -> None:
    base = {"a": 1, "b": {"x": 1, "y": 2}, "c": 3}
    ours = {"a": 1, "b": {"x": 10, "y": 2}, "c": 3, "d": None}
    theirs = {"a": 1, "b": {"x": 1, "y": 20}}
    assert merged(base, ours, theirs) == {"a": 1, "b": {"x": 10, "y": 20}, "d": None}
    assert merged(base, theirs, ours) == {"a": 1, "b": {"x": 10, "y": 20}, "d": None}
    with pytest.raises(Conflict, match=r"b: x: both sides"):
        merged(base, {"b": {"x": 2}}, {"b": {"x": 3}})
    with pytest.raises(Conflict):
        merged(1, True, 1.0)


@given(values, values)
def test_json_merges_with_itself_and_its_base(value: Any, base: Any) -> None:
    assert merged(base, value, value) == value
    assert merged(base, value, base) == value
    assert merged(base, base, value) == value


def test_records_come_back() -> None:
    page = Page("one", 3, [Tag("x")])
    octets = PAGES.encode(page)
    assert octets == b'{"$":"Page","tags":[{"$":"Tag","name":"x"}],"title":"one","visits":3}'
    assert PAGES.decode(octets) == page
    assert PAGES.decode(b'{"$":"Page","title":"old"}') == Page("old")


@pytest.mark.parametrize("octets", [b'{"$":"Other"}', b'{"$":3}', b'{"$":"Page"}', b'{"$":"Tag","name":"a","more":1}'])
def test_what_is_no_record_is_a_value_error(octets: bytes) -> None:
    with pytest.raises(ValueError):
        PAGES.decode(octets)


def test_only_registered_dataclasses_are_written() -> None:
    @dataclass
    class Stranger:
        x: int

    with pytest.raises(StateError):
        PAGES.encode(Stranger(1))
    with pytest.raises(StateError):
        Records([int])


def test_records_merge_field_by_field() -> None:
    merge = call(PAGES.merge(known(Page("a", 5)), Page("a", 7), Page("b", 6)))
    assert merge == Page("b", 8)
    with pytest.raises(Conflict):
        call(PAGES.merge(known(Page("a")), Page("b"), Page("c")))


@pytest.mark.parametrize(("contents", "value"), [(BYTES, b"\xff"), (TEXT, "ä"), (JSON, [1]), (PAGES, Page("x"))])
def test_a_store_of_each(contents: Any, value: Any) -> None:
    store = call(Repo[Any](MemoryBackend(), contents).main())
    call(store.set("a", value))
    assert call(store.get("a")) == value


def test_contents_of_another_type_are_told() -> None:
    backend = MemoryBackend()
    call(call(Repo(backend, BYTES).main()).set("a", b"\xff"))
    with pytest.raises(CorruptObject, match="is no text"):
        call(call(Repo(backend, TEXT).main()).get("a"))
