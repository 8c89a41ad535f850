"""A counter that replicas increase and decrease apart: merging adds up."""

from __future__ import annotations

from typing import Unpack

from fata.irmin.commit import Commit
from fata.irmin.containers.container import Container
from fata.irmin.containers.tags import Tags, random_tag
from fata.irmin.contents.plain import Plain
from fata.irmin.merge.numbers import counter
from fata.irmin.path import Path
from fata.irmin.store.options import Options
from fata.irmin.store.store import Store


def _decode(octets: bytes) -> int:
    value = int(octets)
    if b"%d" % value != octets:
        raise ValueError(f"{octets[:40]!r} is no canonical integer")
    return value


COUNTER: Plain[int] = Plain("counter", lambda value: b"%d" % value, _decode, counter)


class Counter(Container[int]):
    """A whole number at a path; 0 while there is none.

    Two commits that agree in everything are one commit, and count once: so each is given a tag, unless the caller has
    a message. Then author, message or second have to tell the replicas apart.
    """

    def __init__(self, store: Store[int], path: Path, tags: Tags = random_tag) -> None:
        super().__init__(store, path)
        self._tags = tags

    async def increase(self, by: int = 1, **options: Unpack[Options]) -> Commit[int] | None:
        """Add to the counter."""
        if "message" not in options and "info" not in options:
            options["message"] = f"{by:+} ({self._tags()})"
        return await self._replace(lambda value: (value or 0) + by, options)

    async def decrease(self, by: int = 1, **options: Unpack[Options]) -> Commit[int] | None:
        """Take from the counter."""
        return await self.increase(-by, **options)

    async def read(self) -> int:
        """Return the present value."""
        return await self.store.find(self.path) or 0
