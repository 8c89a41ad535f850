"""Dataclasses as contents, by a registry of those that a store may hold.

    @dataclass(frozen=True)
    class Page:
        title: str
        visits: int = field(default=0, metadata={"merge": counter})

    PAGES = Records([Page])

They are written as JSON objects with the class's name under "$". Two versions of one class merge field by field: by
the merge in the field's metadata, otherwise by the default. A field that is not in the octets has its default, so a
class may grow; one that the class does not know is refused.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields, is_dataclass
from typing import Any, TypeVar

from fata.errors import StateError
from fata.irmin.contents import json
from fata.irmin.merge.contract import Base, Merge
from fata.irmin.merge.default import default
from fata.irmin.merge.products import records

R = TypeVar("R")

TYPE = "$"  # the key under which a class's name stands


class Records:
    """A type of contents: instances of registered dataclasses, nested in each other, in lists and in dicts."""

    name = "records"

    def __init__(self, kinds: Iterable[type[Any]] = ()) -> None:
        self._kinds: dict[str, type[Any]] = {}
        self._merges: dict[type[Any], Merge[Any]] = {}
        for kind in kinds:
            self.register(kind)

    def register(self, kind: type[R], name: str = "") -> type[R]:
        """Let the store hold a dataclass, under a name that its octets keep for ever. Also a decorator."""
        name = name or kind.__name__
        if not is_dataclass(kind) or self._kinds.get(name, kind) is not kind:
            raise StateError(f"{kind.__qualname__} is no dataclass, or another one is called {name}")
        self._kinds[name] = kind
        by_field = {each.name: each.metadata["merge"] for each in fields(kind) if "merge" in each.metadata}
        self._merges[kind] = records(kind, **by_field)
        return kind

    def encode(self, value: Any) -> bytes:
        """Write a value. Raises StateError for a dataclass that is not registered."""
        return json.encode(self._plain(value))

    def _plain(self, value: Any) -> Any:
        if isinstance(value, list | tuple):
            return [self._plain(each) for each in value]
        if isinstance(value, dict):
            return {key: self._plain(each) for key, each in value.items()}
        if not is_dataclass(value):
            return value
        name = next((name for name, kind in self._kinds.items() if kind is type(value)), None)
        if name is None:
            raise StateError(f"{type(value).__qualname__} is not registered")
        return {TYPE: name, **{each.name: self._plain(getattr(value, each.name)) for each in fields(value)}}

    def decode(self, octets: bytes) -> Any:
        """Read a value. Raises ValueError for a class that is not registered, or fields that it has not."""
        return self._made(json.decode(octets))

    def _made(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._made(each) for each in value]
        if not isinstance(value, dict):
            return value
        made = {key: self._made(each) for key, each in value.items()}
        if TYPE not in made:
            return made
        name = made.pop(TYPE)
        kind = self._kinds.get(name) if isinstance(name, str) else None
        if kind is None:
            raise ValueError(f"the class {name!r} is not registered")
        try:
            return kind(**made)
        except TypeError as error:
            raise ValueError(f"{name}: {error}") from None

    async def merge(self, base: Base[Any], ours: Any, theirs: Any) -> Any:
        """Merge two instances of one class field by field, anything else as a whole. Raises `Conflict`."""
        by_field = self._merges.get(type(ours))
        if by_field is None or type(theirs) is not type(ours):
            return await default(base, ours, theirs)

        async def of_one_class() -> Any:
            old = await base()
            return old if type(old) is type(ours) else None

        return await by_field(of_one_class, ours, theirs)
