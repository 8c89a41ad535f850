"""An inner node's image is its body as it would be made anew, whatever has happened to its children."""

from __future__ import annotations

import random

import pytest

from fata.disk.btree.node import inner_body
from fata.runtime.drive import drive
from fata.store.btree.nodes import Inner
from fata.store.btree.placing import Placing
from fata.store.btree.store import Btree
from tests.store.btree.stores import made, sound


async def change(store: Btree, rng: random.Random) -> None:
    """Insert, replace and remove, in places that lie together: leaves are cut, merged and emptied."""
    start = rng.randrange(4000)
    async with store.transaction() as transaction:
        for number in range(start, start + 60):
            key = b"%04d" % number + bytes(200)
            if rng.random() < 0.5:
                await transaction.put(key, rng.randbytes(rng.randrange(300)))
            else:
                await transaction.delete(key)


def test_an_image_is_the_body_made_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    add_level = Placing._add_level
    kept = 0

    def checking(self: Placing, inners: list[Inner]) -> None:
        nonlocal kept
        for inner in inners:
            if inner.image is not None:
                kept += 1
                assert inner.image == inner_body(inner.keys, [child.where for child in inner.children])
                assert [child.place for child in inner.children] == list(range(len(inner.children)))
        add_level(self, inners)

    async def work() -> None:
        rng = random.Random(7)
        store = await made(4096, log=65536)
        snapshots = []
        for number in range(150):
            await change(store, rng)
            if number % 10 == 0:
                snapshots.append(store.snapshot())
            if len(snapshots) > 2:
                snapshots.pop(rng.randrange(2)).close()
        for snapshot in snapshots:
            snapshot.close()
        await sound(store)

    monkeypatch.setattr(Placing, "_add_level", checking)
    drive(work())
    assert kept > 30
