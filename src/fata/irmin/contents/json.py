"""JSON: any value, or objects alone. Octets are canonical (sorted keys, no spaces), so equal values have equal ids."""

from __future__ import annotations

import json
from typing import Any

from fata.irmin.contents.plain import Plain
from fata.irmin.errors import Conflict
from fata.irmin.merge.contract import Base, known

Json = Any  # None, bool, int, float, str, list or dict of these: mypy has no finite type for it


def encode(value: Json) -> bytes:
    """Write a value. Raises ValueError for NaN and infinities, TypeError for what is no JSON."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.encode("utf-8", "surrogatepass")


def decode(octets: bytes) -> Json:
    """Read a value. Raises ValueError, also for nesting deeper than the interpreter can follow."""
    try:
        return json.loads(octets.decode("utf-8", "surrogatepass"), parse_constant=_refuse)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def decode_object(octets: bytes) -> dict[str, Json]:
    """Read an object. Raises ValueError."""
    value = decode(octets)
    if not isinstance(value, dict):
        raise ValueError(f"a {type(value).__name__}, where an object is needed")
    return value


def _refuse(constant: str) -> Json:
    raise ValueError(f"{constant} is no JSON")


async def merge(base: Base[Json], ours: Json, theirs: Json) -> Json:
    """Merge objects key by key, and what is beneath likewise; anything else as a whole. Raises `Conflict`."""
    if same(ours, theirs):
        return ours
    old = await base()
    if same(old, theirs):
        return ours
    if same(old, ours):
        return theirs
    if not isinstance(ours, dict) or not isinstance(theirs, dict):
        raise Conflict("both sides changed it", (), ours, theirs)
    return await _objects(old if isinstance(old, dict) else {}, ours, theirs)


async def _objects(old: dict[str, Json], ours: dict[str, Json], theirs: dict[str, Json]) -> dict[str, Json]:
    merged = {}
    for key in sorted(ours.keys() | theirs.keys()):
        sides = [side.get(key, ABSENT) for side in (old, ours, theirs)]
        value = await _key(key, *sides)
        if value is not ABSENT:
            merged[key] = value
    return merged


class _Absent:
    """No value: null is one."""

    def __repr__(self) -> str:
        return "nothing"


ABSENT = _Absent()


async def _key(key: str, old: Json, ours: Json, theirs: Json) -> Json:
    if same(ours, theirs) or same(old, theirs):
        return ours
    if same(old, ours):
        return theirs
    if isinstance(ours, dict) and isinstance(theirs, dict):
        try:
            return await merge(known(old), ours, theirs)
        except Conflict as conflict:
            raise Conflict(f"{key}: {conflict.reason}", conflict.path, conflict.ours, conflict.theirs) from None
    raise Conflict(f"{key}: both sides changed it", (), ours, theirs)


def same(ours: Json, theirs: Json) -> bool:
    """Whether two values are written alike: 1, 1.0 and true are not."""
    if ours is ABSENT or theirs is ABSENT:
        return ours is theirs
    return encode(ours) == encode(theirs)


JSON: Plain[Json] = Plain("json", encode, decode, merge)
JSON_OBJECT: Plain[dict[str, Json]] = Plain("json-object", encode, decode_object, merge)
