"""Changing names: creating, removing and renaming entries. Whoever calls is inside `volume.change`."""

from __future__ import annotations

from fata.device.kv import InvalidKey, NotFound, ValueExpected
from fata.disk.fat import long_name, short_name
from fata.disk.fat.entry import ARCHIVE, DIRECTORY, SIZE, Entry, later_tenths
from fata.disk.fat.errors import CorruptFat
from fata.store.fat.directory import Directory, Node, entry_set, first_entries, slots_for
from fata.store.fat.table import Run
from fata.store.fat.volume import DirectoryFull, DirectoryNotEmpty, NameRefused, Volume
from fata.store.fat.writeout import write_out

_NAMELESS = b" " * 11


def new_file(volume: Volume, runs: list[Run], size: int) -> Entry:
    """Return the entry of a file that has just been made; its name is to come."""
    now = volume.now()
    cluster = runs[0].first if runs else 0
    return Entry(_NAMELESS, ARCHIVE, cluster, size, *now[:2], *now, now.date)


def new_directory(volume: Volume, runs: list[Run]) -> Entry:
    """Return the entry of a directory that has just been made."""
    return new_file(volume, runs, 0)._replace(attributes=DIRECTORY)


async def create(
    volume: Volume, key: str, directory: Directory, missing: tuple[str, ...], leaf: Entry, runs: list[Run]
) -> tuple[Node, int]:
    """Enter a file or directory, with the directories on its way, by one change of `directory`.

    `runs` is its chain, reserved, of a file written as well; without one the leaf exists already. Returns the
    entry of the first name, and the cluster of the directory that the last one is in. Raises NoSpace, NameRefused;
    then the chain is given back.
    """
    chains: list[list[Run]] = []
    try:
        for name in missing:
            if why := long_name.fault(name):
                raise NameRefused(key, why)
        for name in missing[1:]:
            octets = (2 + slots_for(name)) * SIZE
            chains.append(await volume.allocate(key, -(-octets // volume.layout.cluster_size), directory=True))
        parent = chains[-1][0].first if chains else directory.cluster
        if runs and leaf.attributes & DIRECTORY:
            await _fill(volume, runs, first_entries(leaf.cluster, parent, leaf))
        if chains:
            leaf = await _nest(volume, directory, missing, leaf, chains)
        await volume.make_room(key, directory, slots_for(missing[0]))
        short = directory.short_name_for(missing[0])
        if short is None:
            raise DirectoryFull(key)
    except BaseException:
        for chain in [*chains, runs]:
            volume.table.release(chain)
        raise
    for chain in [*chains, runs]:
        if chain:
            volume.table.chain(chain)
    node = directory.add(volume.log, missing[0], leaf._replace(name=short))
    return node, parent


async def _nest(
    volume: Volume, directory: Directory, names: tuple[str, ...], leaf: Entry, chains: list[list[Run]]
) -> Entry:
    """Write new directories, each with one entry, the last with `leaf`; return the entry of the first."""
    for depth in range(len(chains) - 1, -1, -1):
        name = names[depth + 1]
        parent = chains[depth - 1][0].first if depth else directory.cluster
        short = short_name.exactly(name) or short_name.make(name, lambda _: False, {}) or _NAMELESS
        entry = new_directory(volume, chains[depth])
        content = first_entries(entry.cluster, parent, entry) + entry_set(name, leaf._replace(name=short))
        await _fill(volume, chains[depth], content)
        leaf = entry
    return leaf


async def _fill(volume: Volume, runs: list[Run], content: bytes) -> None:
    """Write a new directory's octets, and zeros behind them."""
    volume.fresh_data = True
    for first, length in runs:
        octets = length * volume.layout.cluster_size
        await volume.medium.write(volume.layout.offset_of(first), content[:octets].ljust(octets, b"\0"))
        content = content[octets:]


async def make_directory(volume: Volume, key: str, directory: Directory, missing: tuple[str, ...]) -> None:
    """Make a directory, and those on the way to it."""
    runs = await volume.allocate(key, 1, directory=True)
    await create(volume, key, directory, missing, new_directory(volume, runs), runs)


async def remove(volume: Volume, directory: Directory, node: Node, *, tree: bool, key: str) -> None:
    """Remove an entry and what it names; a directory with entries only if `tree`."""
    if node.is_directory:
        given_up, clusters = await _tree(volume, node, None if tree else key)
    else:
        given_up, clusters = list(volume.file_runs(node)), []
    directory.remove(volume.log, node)
    volume.table.give_up(given_up)
    for cluster in clusters:
        volume.forget(cluster)


async def remove_all(volume: Volume, directory: Directory) -> None:
    """Remove every entry of a directory, each with all that is in it."""
    for node in list(directory):
        await remove(volume, directory, node, tree=True, key="")


async def _tree(volume: Volume, top: Node, empty_key: str | None) -> tuple[list[Run], list[int]]:
    """Return the runs of a directory and of all beneath, and the directories' first clusters."""
    runs: list[Run] = []
    clusters: dict[int, None] = {}  # in order
    waiting = [top]
    while waiting:
        node = waiting.pop()
        if not node.is_directory:
            runs += volume.file_runs(node)
            continue
        if node.entry.cluster in clusters:
            raise CorruptFat(f"{top.name!r}: a directory in it is there twice, or contains itself")
        runs += volume.table.runs(node.entry.cluster, None)
        clusters[node.entry.cluster] = None
        below = list(await volume.directory(node.entry.cluster))
        if below and empty_key is not None:
            raise DirectoryNotEmpty(empty_key)
        waiting += below
    return runs, list(clusters)


async def rename(volume: Volume, source: tuple[str, ...], destination: tuple[str, ...], *, parents: bool) -> None:
    """Move an entry; a file at the destination is replaced."""
    old_key, new_key = "/".join(source), "/".join(destination)
    if not source or not destination:
        raise InvalidKey("the root cannot be renamed")
    node = await volume.existing(old_key, source)
    assert node is not None
    old, _, _ = await volume.trace(old_key, source)
    new, target, missing = await volume.trace(new_key, destination, outside=node)
    if len(missing) > 1 and not parents:
        raise NotFound(new_key)
    if len(missing) > 1 and node.shortened == volume.epoch:
        await write_out(volume)  # nobody remembers of an entry in a directory yet to be read that it was shortened
    if len(missing) > 1 and _is_empty(node):
        await make_directory(volume, new_key, new, missing[:-1])
        new, target, missing = await volume.trace(new_key, destination, outside=node)
    inner = await volume.directory(node.entry.cluster) if node.is_directory else None
    if target is None:
        await _move(volume, new_key, old, node, inner, new, missing)
    elif target is node:
        if node.is_directory and source == destination:
            raise ValueExpected(new_key)
        if node.name != destination[-1]:
            await _rename_itself(volume, new_key, old, node, destination[-1])
    elif target.is_directory:
        raise ValueExpected(new_key)
    else:
        _replace(volume, old, node, inner, new, target)


def _is_empty(node: Node) -> bool:
    return not node.is_directory and not node.entry.size


def _tag(volume: Volume, directory: Directory, node: Node) -> list[Run]:
    """Give an empty file a chain while it has two names, or nobody could tell that they are one file.

    On a full volume there is none to give; then both names may be left after a cut.
    """
    runs = (volume.table.allocate(1) or []) if _is_empty(node) else []
    if runs:
        volume.table.chain(runs)
        directory.update(volume.log, node, node.entry._replace(cluster=runs[0].first))
    return runs


def _untag(volume: Volume, directory: Directory, node: Node, runs: list[Run]) -> None:
    if runs:
        directory.update(volume.log, node, node.entry._replace(cluster=0))
        volume.table.give_up(runs)


def _moved(entry: Entry) -> Entry:
    """Return an entry that tells which is the newer one, should both survive a cut of the power."""
    return entry._replace(created_tenths=later_tenths(entry.created_tenths), case=0)


async def _move(
    volume: Volume,
    key: str,
    old: Directory,
    node: Node,
    inner: Directory | None,
    new: Directory,
    names: tuple[str, ...],
) -> None:
    """Enter what `node` names under a new name, then delete the old entry."""
    tag = _tag(volume, old, node)
    try:
        entered, parent = await create(volume, key, new, names, _moved(node.entry), [])
    except BaseException:
        _untag(volume, old, node, tag)
        raise
    if len(names) == 1:
        entered.runs, entered.shortened = node.runs, node.shortened
    if inner is not None:
        inner.point_up(volume.log, parent)
    old.remove(volume.log, node)
    _untag(volume, new, entered, tag)


async def _rename_itself(volume: Volume, key: str, directory: Directory, node: Node, name: str) -> None:
    """Write a name that means the same entry: another case, or its short name."""
    if why := long_name.fault(name):
        raise NameRefused(key, why)
    await volume.make_room(key, directory, slots_for(name))
    tag = _tag(volume, directory, node)
    directory.hide(node)
    short = directory.short_name_for(name) or node.entry.name
    entered = directory.add(volume.log, name, _moved(node.entry)._replace(name=short))
    entered.runs, entered.shortened = node.runs, node.shortened
    directory.remove(volume.log, node)
    _untag(volume, directory, entered, tag)


def _replace(volume: Volume, old: Directory, node: Node, inner: Directory | None, new: Directory, target: Node) -> None:
    """Let the entry at the destination name what `node` names, then delete the old entry."""
    given_up = volume.file_runs(target)
    tag = _tag(volume, old, node)
    new.update(volume.log, target, _moved(node.entry)._replace(name=target.entry.name, case=target.entry.case))
    target.runs, target.shortened = node.runs, node.shortened
    if inner is not None:
        inner.point_up(volume.log, new.cluster)
    old.remove(volume.log, node)
    _untag(volume, new, target, tag)
    volume.table.give_up(given_up)
