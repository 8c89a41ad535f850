"""Stores with one mistake each, such as one makes. Every one must be caught by the power-cut campaign.

Each is a function that changes the code through `pytest.MonkeyPatch` and returns what to do to the store
(kinds of `Workload`) and how durable it is.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Any

import pytest

from fata.disk.btree import record
from fata.disk.btree.superblock import Superblock
from fata.store.btree import loading, mount
from fata.store.btree import log as log_module
from fata.store.btree.checkpoint import Checkpoints, Stage
from fata.store.btree.log import Log
from fata.store.btree.medium import Medium
from fata.store.btree.mount import Walk
from fata.store.btree.named import derive
from fata.store.btree.pins import Pins
from fata.store.btree.placing import Placing
from fata.store.btree.store import Btree
from fata.store.btree.superblocks import Superblocks
from fata.store.btree.tree import Tree

Patch = pytest.MonkeyPatch
Mutant = Callable[[Patch], tuple[str, str]]


class _NoFlush:
    """A block whose flush does nothing."""

    def __init__(self, block: Any) -> None:
        self._block = block

    def __getattr__(self, name: str) -> Any:
        return getattr(self._block, name)

    async def flush(self) -> None:
        """Forgotten."""


def commit_without_a_flush(patch: Patch) -> tuple[str, str]:
    """A commit returns once the log is written."""

    async def settle(self: Checkpoints, ticket: int) -> None:
        await self.record(ticket)

    patch.setattr(Checkpoints, "settle", settle)
    return "tt", "sync"


def superblock_before_its_nodes(patch: Patch) -> tuple[str, str]:
    """The superblock is written in the round of its nodes, before the flush."""
    close = Checkpoints._close

    async def _close(self: Checkpoints, all_leaves: bool) -> None:
        await close(self, all_leaves)
        await self._superblocks.write(self._next)
        self.stage = Stage.WRITTEN

    patch.setattr(Checkpoints, "_close", _close)
    return "tc", "sync"


def superblock_without_the_log(patch: Patch) -> tuple[str, str]:
    """A closing does not see to it that the log is written up to what its leaves hold."""
    write, close = Log.write, Checkpoints._close
    skipped: list[Log] = []

    async def closing(self: Checkpoints, all_leaves: bool) -> None:
        await close(self, all_leaves)
        skipped.append(self._log)

    async def lazy(self: Log) -> None:
        if self in skipped:
            skipped.remove(self)
        else:
            await write(self)

    patch.setattr(Log, "write", lazy)
    patch.setattr(Checkpoints, "_close", closing)
    return "tttttttt", "sync"


def record_without_its_checksum(patch: Patch) -> tuple[str, str]:
    """A torn record is taken for whole."""
    patch.setattr(log_module, "is_whole", lambda data, header: True)
    return "ttt", "sync"


def record_checksum_of_the_header_alone(patch: Patch) -> tuple[str, str]:
    """The checksum covers the first sector only."""

    def crc_of(data: Any) -> int:
        return zlib.crc32(memoryview(data)[:500])

    patch.setattr(record, "crc32", crc_of)
    return "ttt", "sync"


def pages_freed_early(patch: Patch) -> tuple[str, str]:
    """Old pages are given back when the new ones are written, not when a superblock leads there."""
    carry_out = Checkpoints._carry_out

    async def early(self: Checkpoints, placing: Placing) -> None:
        await carry_out(self, placing)
        freed, self._tree.freed = self._tree.freed, []
        self._pins.give_back(freed)

    patch.setattr(Checkpoints, "_carry_out", early)
    return "tttttttt", "sync"


def generation_reused(patch: Patch) -> tuple[str, str]:
    """A checkpoint does not count its generation up: the next superblock falls on the one in use."""
    replace = Superblock._replace

    def same(self: Superblock, **fields: Any) -> Superblock:
        fields.pop("generation", None)
        return replace(self, **fields)

    patch.setattr(Superblock, "_replace", same)
    return "tc", "sync"


def superblock_in_two_steps(patch: Patch) -> tuple[str, str]:
    """The newest superblock is wiped out before the next one is written, with no flush in between."""
    write = Superblocks.write

    async def in_two_steps(self: Superblocks, superblock: Superblock) -> None:
        other = 1 - superblock.generation % 2
        for page in (other, superblock.pages - 2 + other):
            await self._medium.block.write(page * self._medium.page_sectors, bytes(512))
        await write(self, superblock)

    patch.setattr(Superblocks, "write", in_two_steps)
    return "tc", "sync"


def log_cut_too_far(patch: Patch) -> tuple[str, str]:
    """The tail moves to the head, though some dirty leaves are not written."""
    replace = Superblock._replace

    def cut(self: Superblock, **fields: Any) -> Superblock:
        if "log_tail" in fields:
            fields["log_tail"] = fields["log_reach"]
        return replace(self, **fields)

    patch.setattr(Superblock, "_replace", cut)
    patch.setattr(Log, "before", lambda self, position: self.previous)
    return "tttttttt", "sync"


def log_not_cut(patch: Patch) -> tuple[str, str]:
    """The ring is used again, but the superblock still begins the log at its old tail."""
    replace = Superblock._replace

    def uncut(self: Superblock, **fields: Any) -> Superblock:
        if "log_tail" in fields:
            fields["log_tail"], fields["log_previous"] = self.log_tail, self.log_previous
        return replace(self, **fields)

    trim = Log.trim
    patch.setattr(Superblock, "_replace", uncut)
    patch.setattr(Log, "trim", lambda self, tail: trim(self, self.head))
    return "tttttc", "sync"


def incarnation_reused(patch: Patch) -> tuple[str, str]:
    """After a power cut the log goes on under the same incarnation, and the records are not chained."""

    async def enlist(self: Checkpoints) -> None:
        self._enlisted = True

    patch.setattr(Checkpoints, "_enlist", enlist)
    serialize = record.serialize_record

    def unchained(*arguments: Any) -> tuple[bytes, int]:
        return serialize(*arguments)[0], 0

    patch.setattr(log_module, "serialize_record", unchained)
    header = record.parse_header
    patch.setattr(log_module, "parse_header", lambda data: header(data)._replace(crc=0))
    patch.setattr(log_module, "is_whole", lambda data, head: record.is_whole(data, header(data)))
    return "tttttt", "batch"


def extent_without_a_flush(patch: Patch) -> tuple[str, str]:
    """A large value is not flushed before the log names it."""
    commit = Btree.commit

    async def hasty(self: Btree, changes: Any, extents: Any, durability: str) -> None:
        block, self.medium.block = self.medium.block, _NoFlush(self.medium.block)
        try:
            self._checkpoints._medium = Medium(block, self.medium.node_size, self.medium.tag, self.medium.pages)
            await commit(self, changes, extents, durability)
        finally:
            self.medium.block = block

    patch.setattr(Btree, "commit", hasty)
    return "xxx", "sync"


def extents_of_the_log_forgotten(patch: Patch) -> tuple[str, str]:
    """Recovery does not note the pages of values that only the log names."""
    extent = Walk.extent

    async def forget(self: Walk, value: Any) -> None:
        if self.leaves and self.forgets:  # type: ignore[attr-defined]
            return
        await extent(self, value)

    replay = Log.replay

    async def marking(self: Log, reach: int) -> Any:
        changes = await replay(self, reach)
        patch.setattr(Walk, "forgets", True)
        return changes

    mounting = mount.mount

    async def fresh(block: Any) -> Any:
        patch.setattr(Walk, "forgets", False)
        return await mounting(block)

    patch.setattr(Walk, "forgets", False, raising=False)
    patch.setattr(Walk, "extent", forget)
    patch.setattr(Log, "replay", marking)
    patch.setattr("fata.store.btree.opening.mount", fresh)
    return "xxtx", "sync"


def first_change_wins(patch: Patch) -> tuple[str, str]:
    """Recovery keeps the first change to a key."""
    parse = record.parse_groups

    def first(data: bytes, position: int, into: dict[bytes, bytes | None]) -> None:
        found: dict[bytes, bytes | None] = {}
        parse(data, position, found)
        for key, value in found.items():
            into.setdefault(key, value)

    patch.setattr(log_module, "parse_groups", first)
    return "tttt", "sync"


def log_not_in_its_leaves(patch: Patch) -> tuple[str, str]:
    """A leaf that is read for the first time after a power cut does not take what the log says of it."""
    patch.setattr(loading, "change", lambda leaf, keys, changes, dropped: False)
    return "ttt", "sync"


def replayed_but_not_dirty(patch: Patch) -> tuple[str, str]:
    """Leaves that the log changes are not written again, and the log is cut all the same."""
    replay = loading.replay

    async def clean(tree: Tree, *arguments: Any) -> None:
        await replay(tree, *arguments)
        for leaf in tree.behind:
            del tree.dirty[leaf]

    patch.setattr(mount, "replay", clean)
    return "tttctttc", "sync"


def snapshot_not_kept(patch: Patch) -> tuple[str, str]:
    """What only a named snapshot needs is given back."""

    def give_back(self: Pins, spans: Any) -> None:
        self._pages.give_back(spans)

    patch.setattr(Pins, "give_back", give_back)
    return "ttcd", "sync"


def snapshot_dropped_too_soon(patch: Patch) -> tuple[str, str]:
    """A snapshot's pages are written over before the table without it is durable."""

    async def hasty(checkpoints: Checkpoints, tree: Any, pages: Any, pins: Any, medium: Medium) -> None:
        for entry in checkpoints._stored:
            if entry not in checkpoints.snapshots and entry.root != tree.root.pointer:
                await medium.write(entry.root.address, bytes(4096))
        await derive(checkpoints, tree, pages, pins, medium)

    patch.setattr("fata.store.btree.store.derive", hasty)
    return "td", "sync"


def pages_not_derived(patch: Patch) -> tuple[str, str]:
    """Recovery takes leaves for free."""
    stub = Walk._stub

    def forget(self: Walk, pointer: Any, parent: Any) -> Any:
        leaf = stub(self, pointer, parent)
        self._pages._used[pointer.address] = 0
        return leaf

    patch.setattr(Walk, "_stub", forget)
    return "tcotco", "sync"


def grown_too_soon(patch: Patch) -> tuple[str, str]:
    """New pages are used before a superblock knows of them."""
    grow = Checkpoints.grow

    async def hasty(self: Checkpoints, pages: int) -> None:
        self._medium.pages = pages
        self._pages.extend(pages)
        self._pages._hint = self._pages.total - 4
        self.superblock = self.superblock._replace(pages=self.superblock.pages)
        if self._tree.dirty or self._tree.fresh:
            self._pages._grow(pages - 2)
            await self._close(all_leaves=True)
            self._next = self._next._replace(pages=self.superblock.pages)
            await self._complete()
        await grow(self, pages)

    patch.setattr(Checkpoints, "grow", hasty)
    return "tttg", "sync"


MUTANTS: list[Mutant] = [
    commit_without_a_flush,
    superblock_before_its_nodes,
    superblock_without_the_log,
    record_without_its_checksum,
    record_checksum_of_the_header_alone,
    pages_freed_early,
    generation_reused,
    superblock_in_two_steps,
    log_cut_too_far,
    log_not_cut,
    incarnation_reused,
    extent_without_a_flush,
    extents_of_the_log_forgotten,
    first_change_wins,
    log_not_in_its_leaves,
    replayed_but_not_dirty,
    snapshot_not_kept,
    snapshot_dropped_too_soon,
    pages_not_derived,
    grown_too_soon,
]
