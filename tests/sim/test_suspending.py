"""The suspending devices: when they suspend, and that a cancelled request is not made."""

from __future__ import annotations

from collections.abc import Coroutine, Sequence
from typing import Any

import pytest

from fata.device.block import Block
from fata.device.kv import KvTx
from fata.driver.block.ramdisk import RamDisk
from fata.driver.kv.memory import MemoryKv
from fata.runtime.drive import drive
from fata.sim.interleave import Outcome, explore
from fata.sim.suspending import SuspendingBlock, SuspendingKvTx


async def _disk() -> Block:
    return SuspendingBlock(RamDisk(3), tear=True)


async def _store() -> KvTx:
    return SuspendingKvTx(MemoryKv())


def test_a_request_and_its_answer_can_both_be_lost() -> None:
    seen = set()

    async def check(store: KvTx, outcomes: Sequence[Outcome]) -> None:
        seen.add((outcomes[0].cancelled, await store.exists("v") is not None))

    explore(_store, [lambda store: store.set("v", b"1")], check, cancellations=1)
    assert seen == {(True, False), (True, True), (False, True)}


def test_a_torn_write_stops_after_any_sector() -> None:
    seen = set()

    async def check(disk: Block, outcomes: Sequence[Outcome]) -> None:
        seen.add((await disk.read(0, 3))[::512])

    explore(_disk, [lambda disk: disk.write(0, b"x" * 1536)], check, cancellations=1)
    assert seen == {b"\0\0\0", b"x\0\0", b"xx\0", b"xxx"}


def test_a_batch_is_applied_or_not() -> None:
    seen = set()

    async def change(store: KvTx) -> None:
        async with store.batch() as batch:
            await batch.set("a", b"1")
            await batch.set("b", b"1")

    async def check(store: KvTx, outcomes: Sequence[Outcome]) -> None:
        seen.add((outcomes[0].cancelled, len(await store.list(""))))

    explore(_store, [change], check, cancellations=2)
    assert seen == {(True, 0), (True, 2), (False, 2)}


@pytest.mark.parametrize("operation", [SuspendingBlock(RamDisk(1)).read(0, 1), SuspendingKvTx(MemoryKv()).get("x")])
def test_every_operation_suspends(operation: Coroutine[Any, Any, object]) -> None:
    with pytest.raises(Exception, match="no event loop is running"):
        drive(operation)
