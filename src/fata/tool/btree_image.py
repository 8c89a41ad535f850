"""B-trees in disk images, for the tool: opened for a while, dumped, loaded."""

from __future__ import annotations

import os
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import BinaryIO

from fata.errors import ConfigError
from fata.store.btree.fsck import Report, check_store, salvage
from fata.store.btree.opening import UUID_SIZE, format_btree, open_btree, open_or_format
from fata.store.btree.store import Btree
from fata.tool.disk_image import NAMES, Place, contents_of, opened

# The text format of Berkeley DB's db_dump and LMDB's mdb_dump, so that those tools can read and write it too.
HEAD = b"VERSION=3\nformat=bytevalue\ntype=btree\nHEADER=END\n"
TAIL = b"DATA=END\n"
PIECE = 1 << 20  # octets of a value that are written at once
_ESCAPE = re.compile(rb"\\(\\|[0-9a-fA-F]{2})")


@asynccontextmanager
async def store(place: Place, *, writing: bool) -> AsyncIterator[Btree]:
    """Open the store in an image for a while; a blank image that is to be written to is formatted."""
    async with opened(place, writing=writing) as disk:
        if writing:
            made = await open_or_format(disk, os.urandom(UUID_SIZE))
        else:
            made = await open_btree(disk)
        async with made:
            yield made


async def make(place: Place, node_size: int, log_octets: int | None, force: bool, size: int) -> None:
    """Format an image, which is made first if `size` is not 0; nothing is left of a new one when that fails."""
    try:
        async with opened(place, writing=True, create_sectors=-(-size // place.sector_size)) as disk:
            found = NAMES.get(await contents_of(disk))
            if found and not force:
                raise ConfigError(f"{place.image}: holds {found} already", remedy="Add --force to replace it.")
            await format_btree(disk, os.urandom(UUID_SIZE), node_size=node_size, log_octets=log_octets, force=force)
    except ConfigError:
        if size:
            place.image.unlink(missing_ok=True)
        raise


async def check(place: Place) -> Report:
    """Check an image without changing it."""
    async with opened(place, writing=False) as disk:
        return await check_store(disk)


async def save(place: Place, output: BinaryIO) -> int:
    """Dump whatever can be read of a broken store; return how many keys that is."""
    output.write(HEAD)
    count = 0
    async with opened(place, writing=False) as disk:
        async for key, value in salvage(disk):
            write_item(output, key, value)
            count += 1
    output.write(TAIL)
    return count


async def dump(place: Place, prefix: bytes, output: BinaryIO) -> None:
    """Write every key and value as text."""
    output.write(HEAD)
    async with store(place, writing=False) as opened_store:
        async for key, value in opened_store.range(prefix=prefix):
            write_item(output, key, value)
    output.write(TAIL)


def write_item(output: BinaryIO, key: bytes, value: bytes) -> None:
    """Write a key and a value, a line each."""
    output.write(b" %s\n " % key.hex().encode())
    for at in range(0, len(value), PIECE):
        output.write(value[at : at + PIECE].hex().encode())
    output.write(b"\n")


async def load(place: Place, source: BinaryIO) -> int:
    """Put everything of a dump into a store; return how many keys that is. ConfigError tells the line that is wrong."""
    count = 0
    async with store(place, writing=True) as opened_store:
        items = read_items(source)
        while True:
            batch = [item for _, item in zip(range(1000), items, strict=False)]
            if not batch:
                return count
            async with opened_store.transaction() as transaction:
                for key, value in batch:
                    await transaction.put(key, value)
            count += len(batch)


def read_items(source: BinaryIO) -> Iterator[tuple[bytes, bytes]]:
    """Yield the keys and values of a dump (`bytevalue` or `print`)."""
    number, printable = 0, False
    for line in source:
        number += 1
        if line.startswith(b"format="):
            printable = line.strip() == b"format=print"
        if line.strip() == b"HEADER=END":
            break
    else:
        raise ConfigError("no dump: there is no line HEADER=END", remedy="Give what `fata btree dump` has written.")
    waiting: bytes | None = None
    for line in source:
        number += 1
        if line.strip() == b"DATA=END":
            break
        if not line.startswith(b" "):
            raise ConfigError(f"line {number} of the dump does not begin with a space")
        octets = _octets(line[1:].rstrip(b"\n"), printable, number)
        if waiting is None:
            waiting = octets
        else:
            yield waiting, octets
            waiting = None
    if waiting is not None:
        raise ConfigError(f"the dump ends after line {number}, with a key that has no value")


def _octets(text: bytes, printable: bool, number: int) -> bytes:
    try:
        if not printable:
            return bytes.fromhex(text.decode("ascii"))
        return _ESCAPE.sub(lambda found: found[1] if found[1] == b"\\" else bytes.fromhex(found[1].decode()), text)
    except ValueError:
        raise ConfigError(f"line {number} of the dump is not hexadecimal") from None
