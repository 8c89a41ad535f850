"""Rounds of writing: the log's records, and with them a few of the oldest dirty leaves.

A *round* is some writes and one flush. Commits wait for a round; each carries a share of the checkpoint, so that
no commit pays for all of it. From time to time a round *closes*: it writes every fresh leaf and every changed
inner node. Once that is flushed, a superblock that leads there is written by the next round; once that is
flushed too, the pages and the part of the log that only the superblock before needed are free.

Leaves on the medium may thus be of different ages. That is right as long as the log is replayed from the oldest
change that some leaf lacks: a record says what a key's value is, not how it differs from before.
"""

from __future__ import annotations

from enum import Enum
from itertools import islice

from fata.disk.btree.node import SNAPSHOTS
from fata.disk.btree.pointer import NOTHING, Pointer
from fata.disk.btree.snapshots import SnapshotEntry, snapshot_body
from fata.disk.btree.superblock import Superblock
from fata.errors import DeviceError
from fata.store.btree.errors import Failed, OtherWriter, OutOfSpace
from fata.store.btree.loading import catch_up
from fata.store.btree.lock import Lock
from fata.store.btree.nodes import Inner, Leaf, Span
from fata.store.btree.pace import Pace
from fata.store.btree.placing import Placing
from fata.store.btree.superblocks import Superblocks

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import Any

    from fata.store.btree.cache import Cache
    from fata.store.btree.log import Log
    from fata.store.btree.medium import Medium
    from fata.store.btree.pages import Pages
    from fata.store.btree.pins import Pins
    from fata.store.btree.tree import Tree

PIECE = 256  # leaves: a large checkpoint writes so many at once, to need little memory


class Stage(Enum):
    """How far a closing has come."""

    IDLE = "none is under way"
    NODES = "its nodes are written"
    READY = "its nodes are flushed"
    WRITTEN = "its superblock is written"


class Checkpoints:
    """Everything that writes to one store's disk, one round at a time."""

    def __init__(
        self,
        medium: Medium,
        tree: Tree,
        log: Log,
        pages: Pages,
        cache: Cache,
        pins: Pins,
        superblock: Superblock,
        on_failure: Callable[[Failed], None],
    ) -> None:
        """`on_failure` is called when a write has failed, with what every later call is to raise."""
        self._medium = medium
        self._tree = tree
        self._log = log
        self._pages = pages
        self._cache = cache
        self._pins = pins
        self._on_failure = on_failure
        self._superblocks = Superblocks(medium)
        self.superblock = superblock  # the newest that is durable
        self.snapshots: list[SnapshotEntry] = []  # named ones, as they are to be
        self._stored: list[SnapshotEntry] = []  # as the newest closing has them
        self.lock = Lock()
        self.failed: BaseException | None = None
        self.stage = Stage.IDLE
        self.unlogged = False  # the tree holds changes that the log does not: close before anything else is logged
        self._enlisted = False  # our incarnation is on the medium
        self._next = superblock
        self._freed: list[Span] = []  # by the closing under way
        self.pace = Pace(tree, log, pages, medium.node_size, cache.limit)
        self.target_pages = superblock.pages  # of the store, once the next closing is done
        self._covers = False  # whether the closing under way holds what is unlogged

    @property
    def generation(self) -> int:
        """What nodes written now are stamped with: the generation of the next superblock to be made."""
        return (self.superblock if self.stage is Stage.IDLE else self._next).generation + 1

    @property
    def waiting(self) -> list[Span]:
        """Pages that become free when the closing under way is done."""
        return self._freed

    def check_usable(self) -> None:
        """Raise `Failed` after a write has failed."""
        if self.failed is not None:
            raise Failed(f"btree: an earlier write failed ({self.failed}); open the store again") from self.failed

    # -- what commits wait for

    async def settle(self, ticket: int) -> None:
        """Return once the group with this ticket is durable. Whoever comes first writes for all."""
        if self._log.durable_ticket >= ticket:
            return
        async with self.lock:
            while self._log.durable_ticket < ticket:
                await self._round()

    async def record(self, ticket: int) -> None:
        """Return once the group has been given to the block, durable or not."""
        async with self.lock:
            if self._log.written_ticket < ticket:
                self.check_usable()
                await self._guarded(self._write_records())

    async def flush(self) -> None:
        """Make everything durable that has been appended."""
        async with self.lock:
            await self._round()

    async def checkpoint(self) -> None:
        """Bring the whole tree to the medium, so that the log is empty but for what is appended meanwhile.

        Raises `OutOfSpace` if readers keep so many pages that it cannot be done.
        """
        async with self.lock:
            await self._complete()
            target = self._log.head + bool(self._log.pending_octets)
            while self.superblock.log_tail < target or self._tree.dirty or self._tree.fresh or self._tree.changed:
                before = self.superblock.log_tail, len(self._tree.dirty)
                while len(self._tree.dirty) > PIECE and self.pace.spare() > PIECE:
                    await self._guarded(self._write_leaves(list(islice(self._tree.dirty, PIECE))))
                await self._guarded(self._close(all_leaves=True))
                await self._complete()
                if before == (self.superblock.log_tail, len(self._tree.dirty)):
                    raise OutOfSpace("btree: readers keep the pages that a checkpoint needs: close a snapshot")
                if self.superblock.log_tail >= target:
                    return

    async def commit_unlogged(self, apply: Callable[[], None]) -> None:
        """Make changes that are too many for the log: they are durable by a superblock, all or none."""
        async with self.lock:
            await self._complete()
            self.check_usable()
            await self.catch_up()
            apply()
            self.unlogged = True
            await self._complete()

    async def close(self, empty_log: bool) -> None:
        """Make everything durable, for the last time."""
        if self._log.durable_ticket < self._log.ticket or self.unlogged:
            await self.flush()
        tree = self._tree
        if empty_log and (self._log.used or tree.dirty or tree.fresh or tree.changed):
            await self.checkpoint()

    async def write_ahead(self, leaves: list[Leaf]) -> None:
        """Write leaves that no tree has yet, and forget their entries."""
        async with self.lock:
            await self._guarded(self._write_ahead(leaves))

    async def _write_ahead(self, leaves: list[Leaf]) -> None:
        await self._enlist()
        placing = self._placing()
        placing.add_leaves(leaves)
        try:
            await self._carry_out(placing)
        except BaseException:
            for leaf in leaves:
                self._tree.fresh.pop(leaf, None)
            raise

    async def publish(self, snapshots: list[SnapshotEntry]) -> None:
        """Replace the table of named snapshots, durably."""
        async with self.lock:
            await self._complete()
            self.snapshots = snapshots
            await self._guarded(self._close(all_leaves=False))
            await self._complete()

    async def grow(self, pages: int) -> None:
        """Take over a larger device. Nothing is put into the new pages before a superblock knows of them."""
        async with self.lock:
            await self._complete()
            self.target_pages = pages
            await self._guarded(self._close(all_leaves=False))
            await self._complete()

    def trust(self, snapshots: list[SnapshotEntry]) -> None:
        """Take over the table that the medium has."""
        self.snapshots, self._stored = list(snapshots), list(snapshots)
        self._pins.named_generation = max((entry.generation for entry in snapshots), default=0)

    # -- rounds

    async def _complete(self) -> None:
        """Bring the closing under way to its end."""
        while self.stage is not Stage.IDLE or self.unlogged:
            await self._round()

    async def _round(self) -> None:
        self.check_usable()
        await self._guarded(self._write_round())

    async def _guarded(self, work: Coroutine[Any, Any, None]) -> None:
        """Run a piece of writing; after a failure (not a cancellation) nothing is written any more."""
        try:
            await work
        except OutOfSpace:
            raise
        except (DeviceError, OtherWriter) as error:
            self.failed = error
            self._on_failure(Failed(f"btree: an earlier write failed ({error}); open the store again"))
            raise

    async def _write_round(self) -> None:
        await self._enlist()
        if self.stage is Stage.READY:
            await self._superblocks.write(self._next)
            self.stage = Stage.WRITTEN
        if self.unlogged and self.stage is Stage.IDLE:
            await self._close(all_leaves=True)
        elif not self.unlogged:
            await self._write_share()
            await self._log.write()
        count = self._log.flushing()
        stage = self.stage
        await self._medium.block.flush()
        self._log.flushed(count)
        if stage is Stage.NODES:
            self.stage = Stage.READY
        elif stage is Stage.WRITTEN:
            self._publish()

    async def _write_records(self) -> None:
        await self._enlist()
        if self.unlogged:
            await self._complete()
        await self._log.write()

    async def _write_share(self) -> None:
        """Write this round's share of the leaves, and close if it is time to."""
        await self._write_leaves(self.pace.share())
        await self._write_leaves(self.pace.aged())
        if self.stage is Stage.IDLE and self.pace.is_due():
            await self._close(all_leaves=False)

    async def catch_up(self, count: int | None = None) -> None:
        """Read so many leaves (None: all) that are behind the log. Raises `Corrupt`."""
        await catch_up(self._tree, self._medium, list(islice(self._tree.behind, count)))

    async def _write_leaves(self, leaves: list[Leaf]) -> None:
        tree = self._tree
        if not tree.behind.keys().isdisjoint(leaves):
            await catch_up(tree, self._medium, leaves)
            leaves = [leaf for leaf in leaves if leaf in tree.dirty or leaf in tree.fresh]
        leaves = tree.fit(leaves)
        if not leaves:
            return
        placing = self._placing()
        placing.add_leaves(leaves)
        await self._carry_out(placing)

    def _placing(self) -> Placing:
        size, tag = self._medium.node_size, self._medium.tag
        return Placing(self._tree, self._pages, self._cache, size, tag, self.generation)

    async def _carry_out(self, placing: Placing) -> None:
        try:
            for address, data in placing.writes:
                await self._medium.write(address, data)
        except BaseException:
            placing.undo()
            raise
        placing.land()

    # -- closing

    async def _close(self, all_leaves: bool) -> None:
        """Write what makes the tree on the medium whole, and prepare the superblock that leads there."""
        tree, log = self._tree, self._log
        await self._enlist()
        if all_leaves:
            await self.catch_up()
        if not self.unlogged:
            log.seal()
        tree.cut_before_closing(all_leaves)
        placing = self._placing()
        leaves = list(tree.fresh)
        if all_leaves:
            leaves += islice(tree.dirty, self.pace.spare())
        if self.unlogged and len(leaves) < len(tree.fresh) + len(tree.dirty):
            raise OutOfSpace("btree: readers keep the pages that a checkpoint needs: close a snapshot")
        table = self._place(placing, leaves)
        root = tree.root
        tail = self.pace.oldest()
        superblock = self.superblock._replace(
            generation=self.generation,
            level=root.level if isinstance(root, Inner) else 0,
            root=root.pointer,
            log_tail=tail,
            log_reach=log.head,
            log_previous=log.before(tail),
            pages=self.target_pages,
            snapshots=table,
        )
        freed, tree.freed = tree.freed, []
        old = self.superblock.snapshots
        if table is not old and old.address:
            freed.append((old.address, 1, old.generation, False))
        snapshots, covers = list(self.snapshots), self.unlogged
        try:
            await self._carry_out(placing)
        except BaseException:
            tree.freed += freed
            raise
        self._next, self._freed = superblock, freed
        self._stored, self._covers = snapshots, covers
        self.stage = Stage.NODES

    def _place(self, placing: Placing, leaves: list[Leaf]) -> Pointer:
        """Place all that a closing writes; return where the table of named snapshots is then. An error undoes it."""
        try:
            placing.add_leaves(leaves)
            placing.add_inners()
            if self.snapshots == self._stored:
                return self.superblock.snapshots
            if not self.snapshots:
                return NOTHING  # an empty table needs no page
            return placing.add_table((len(self.snapshots), SNAPSHOTS, 0), snapshot_body(self.snapshots))
        except BaseException:
            placing.undo()
            raise

    async def _enlist(self) -> None:
        """Before the first write: a superblock with an incarnation of the log that is ours alone.

        Without it a record of ours could be followed by one that the last power cut had left behind it.
        """
        if self._enlisted:
            return
        generation = self.superblock.generation + 1
        ours = self.superblock._replace(generation=generation, incarnation=generation)
        await self._superblocks.write(ours)
        await self._medium.block.flush()
        self.superblock, self._enlisted = ours, True
        self._log.incarnation = generation

    def _publish(self) -> None:
        """The superblock is durable: what only the one before needed is free."""
        self.superblock = self._next
        if self.superblock.pages > self._pages.total:
            self._pages.extend(self.superblock.pages)
            self._medium.pages = self.superblock.pages
        self._log.trim(self.superblock.log_tail)
        freed, self._freed = self._freed, []
        self._pins.give_back(freed)
        self._pins.named_generation = max((entry.generation for entry in self._stored), default=0)
        self.stage = Stage.IDLE
        if self._covers:
            self.unlogged = self._covers = False
