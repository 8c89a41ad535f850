"""Reading: files, lists and what is known of an entry. Whoever calls has entered the gate."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from fata.device.kv import DictionaryExpected, Kind
from fata.disk.fat import stamp
from fata.store.fat.directory import Node
from fata.store.fat.table import Run

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fata.store.fat.volume import Volume


class Stat(NamedTuple):
    """What an entry says. Times are POSIX seconds, None if unknown; `size` is 0 for a directory."""

    name: str
    kind: Kind
    size: int
    modified: float | None
    created: float | None
    attributes: int


def stat(node: Node | None) -> Stat:
    """Return what an entry says; None is the root, of which nothing is known."""
    if node is None:
        return Stat("", Kind.DICTIONARY, 0, None, None, 0)
    entry = node.entry
    directory = node.is_directory
    return Stat(
        node.name,
        Kind.DICTIONARY if directory else Kind.VALUE,
        0 if directory else entry.size,
        stamp.posix(entry.modified_date, entry.modified_time),
        stamp.posix(entry.created_date, entry.created_time, entry.created_tenths),
        entry.attributes,
    )


async def entries(volume: Volume, key: str, path: tuple[str, ...]) -> list[Node]:
    """Return a directory's entries, in no order. Raises NotFound, DictionaryExpected."""
    node = await volume.existing(key, path)
    if node is not None and not node.is_directory:
        raise DictionaryExpected(key)
    return list(await volume.directory(0 if node is None else node.entry.cluster))


async def read(volume: Volume, node: Node, offset: int, length: int) -> bytes:
    """Return octets of a file, fewer only at its end."""
    length = min(length, node.entry.size - offset)
    if length <= 0:
        return b""
    runs = volume.file_runs(node)
    places = spans(volume, runs, offset, length)
    start, octets = next(places)
    if octets == length:
        return await volume.medium.read(start, length)
    pieces = [await volume.medium.read(start, octets)]
    for start, octets in places:
        pieces.append(await volume.medium.read(start, octets))
    return b"".join(pieces)


def spans(volume: Volume, runs: list[Run], position: int, length: int) -> Iterator[tuple[int, int]]:
    """Yield where `length` octets from `position` of a chain lie: offset on the volume and octets, run by run."""
    size = volume.layout.cluster_size
    for first, clusters in runs:
        octets = clusters * size
        if position >= octets:
            position -= octets
            continue
        here = min(octets - position, length)
        yield volume.layout.offset_of(first) + position, here
        length -= here
        if not length:
            return
        position = 0
