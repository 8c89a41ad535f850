"""Changing files: prepared in clusters that nobody names yet, committed by one change of an entry.

Whoever calls is inside `volume.change`. Nothing here awaits between a commit's first and last step.
"""

from __future__ import annotations

from fata.disk.fat.entry import ARCHIVE, MAX_SIZE, Entry
from fata.store.fat.directory import Directory, Node
from fata.store.fat.reading import spans
from fata.store.fat.table import Run
from fata.store.fat.volume import FileTooLarge
from fata.store.fat.writeout import write_out

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fata.store.fat.volume import Volume

SMALL = 64 << 10  # octets: below this a copy costs less than a second call of the disk
ZEROS = bytes(1 << 20)


async def store(volume: Volume, key: str, data: bytes, size: int | None = None) -> list[Run]:
    """Write a new chain of `data`, with zeros up to `size`; nobody names it yet. Raises NoSpace."""
    octets = len(data) if size is None else size
    if octets > MAX_SIZE:
        raise FileTooLarge(key)
    runs = await volume.allocate(key, -(-octets // volume.layout.cluster_size))
    try:
        if data:
            await put(volume, runs, 0, data)
        await put_zeros(volume, runs, len(data), octets)
    except BaseException:
        volume.table.release(runs)
        raise
    volume.fresh_data = volume.fresh_data or bool(runs)
    return runs


async def replace(volume: Volume, key: str, directory: Directory, node: Node, data: bytes) -> None:
    """Give a file other content, at once."""
    old = volume.file_runs(node)
    runs = await store(volume, key, data)
    volume.table.chain(runs)
    changed = node.entry._replace(cluster=runs[0].first if runs else 0, size=len(data))
    directory.update(volume.log, node, touched(volume, changed))
    volume.table.give_up(old)
    node.runs = runs


async def write(volume: Volume, key: str, directory: Directory, node: Node, offset: int, data: bytes) -> None:
    """Write into a file, with zeros in a gap. Octets that it has are written in place."""
    end = offset + len(data)
    if end > MAX_SIZE:
        raise FileTooLarge(key)
    inside = min(max(node.entry.size - offset, 0), len(data))
    if not inside:
        await extend(volume, key, directory, node, offset, data)
        return
    reserved = await _reserve(volume, key, node, end)
    try:
        if volume.log.patches or volume.table.dirty or volume.overwritten:
            await write_out(volume)  # what came before must not survive less than this does
        volume.overwritten = True
        await put(volume, volume.file_runs(node), offset, data[:inside], keep_tail=True)
    except BaseException:
        volume.table.release(reserved)
        raise
    if inside == len(data):
        directory.update(volume.log, node, touched(volume, node.entry))
    else:
        await extend(volume, key, directory, node, offset + inside, data[inside:], reserved)


async def _reserve(volume: Volume, key: str, node: Node, end: int) -> list[Run]:
    """Reserve the clusters that a file needs besides its own to hold `end` octets."""
    size = volume.layout.cluster_size
    return await volume.allocate(key, max(-(-end // size) - -(-node.entry.size // size), 0))


async def extend(
    volume: Volume,
    key: str,
    directory: Directory,
    node: Node,
    offset: int,
    data: bytes,
    reserved: list[Run] | None = None,
) -> None:
    """Add octets at or beyond a file's end; `reserved` are the clusters that it needs besides its own."""
    end = offset + len(data)
    if end > MAX_SIZE:
        raise FileTooLarge(key)
    runs = volume.file_runs(node)
    added = await _reserve(volume, key, node, end) if reserved is None else reserved
    try:
        if node.shortened == volume.epoch:
            await write_out(volume)  # on the disk the file still has what lies behind its end
        await put_zeros(volume, runs + added, node.entry.size, offset)
        if data:
            await put(volume, runs + added, offset, data)
    except BaseException:
        volume.table.release(added)
        raise
    volume.fresh_data = True
    if added:
        volume.table.chain(added, after=runs[-1].first + runs[-1].length - 1 if runs else None)
    cluster = node.entry.cluster if runs else added[0].first if added else 0
    directory.update(volume.log, node, touched(volume, node.entry._replace(cluster=cluster, size=end)))
    node.runs = joined(runs, added)


async def truncate(volume: Volume, key: str, directory: Directory, node: Node, size: int) -> None:
    """Cut a file, or fill it up with zeros."""
    if size > node.entry.size:
        await extend(volume, key, directory, node, size, b"")
        return
    if size == node.entry.size:
        return
    kept, dropped = split(volume.file_runs(node), -(-size // volume.layout.cluster_size))
    changed = node.entry._replace(cluster=node.entry.cluster if kept else 0, size=size)
    directory.update(volume.log, node, touched(volume, changed))
    cut = kept[-1].first + kept[-1].length - 1 if kept and dropped else None
    volume.table.give_up(dropped, cut)
    node.runs = kept
    node.shortened = volume.epoch


def touched(volume: Volume, entry: Entry) -> Entry:
    """Return an entry that was changed now."""
    now = volume.now()
    return entry._replace(attributes=entry.attributes | ARCHIVE, modified_date=now.date, modified_time=now.time)


def split(runs: list[Run], clusters: int) -> tuple[list[Run], list[Run]]:
    """Return the first so many clusters of a chain, and the others."""
    kept: list[Run] = []
    for number, (first, length) in enumerate(runs):
        if length > clusters:
            kept += [Run(first, clusters)] if clusters else []
            return kept, [Run(first + clusters, length - clusters), *runs[number + 1 :]]
        kept.append(runs[number])
        clusters -= length
    return kept, []


def joined(runs: list[Run], added: list[Run]) -> list[Run]:
    """Return a chain with what was added to it; runs that meet become one."""
    if runs and added and runs[-1].first + runs[-1].length == added[0].first:
        return [*runs[:-1], Run(runs[-1].first, runs[-1].length + added[0].length), *added[1:]]
    return runs + added


async def put(volume: Volume, runs: list[Run], position: int, data: bytes, *, keep_tail: bool = False) -> None:
    """Write octets into a chain. What precedes them in their first sector stays; what follows in the last, if asked."""
    unit = volume.medium.unit
    head = position % unit
    view = memoryview(data)
    if len(data) > SMALL:
        lead = -position % unit
        if lead:
            await put(volume, runs, position, data[:lead], keep_tail=True)
        body = (len(data) - lead) // unit * unit
        await _write(volume, runs, position + lead, view[lead : lead + body])
        if lead + body < len(data):
            await put(volume, runs, position + lead + body, data[lead + body :], keep_tail=keep_tail)
        return
    tail = -(head + len(data)) % unit
    before = await _read(volume, runs, position - head, head) if head else b""
    after = await _read(volume, runs, position + len(data), tail) if tail and keep_tail else bytes(tail)
    await _write(volume, runs, position - head, memoryview(b"".join((before, data, after))) if head or tail else view)


async def put_zeros(volume: Volume, runs: list[Run], position: int, end: int) -> None:
    """Write zeros into a chain, up to `end`."""
    while position < end:
        piece = ZEROS[: min(end - position, len(ZEROS) - position % volume.medium.unit)]
        await put(volume, runs, position, piece)
        position += len(piece)


async def _read(volume: Volume, runs: list[Run], position: int, length: int) -> bytes:
    start, _ = next(spans(volume, runs, position, length))  # within a sector
    return await volume.medium.read(start, length)


async def _write(volume: Volume, runs: list[Run], position: int, data: memoryview) -> None:
    """Write whole sectors into a chain."""
    for start, length in spans(volume, runs, position, len(data)):
        await volume.medium.write(start, data[:length])
        data = data[length:]
