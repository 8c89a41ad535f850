"""A stock count that shops keep together. Each counts on its own; when two can talk, they agree."""

import asyncio
from collections.abc import AsyncIterator

from fata.device import Stack
from fata.disk.git.objects import Object
from fata.disk.git.pack import serialize
from fata.disk.git.pack_check import read_pack
from fata.irmin import MemoryBackend, Repo
from fata.irmin.containers import COUNTER
from fata.irmin.containers.tags import random_tag
from fata.irmin.slices import export, import_slice

ID = 20  # octets
LIMIT = 1 << 20  # octets of one object: more is no stock count
LARGEST = 1 << 24  # octets of what a peer sends at once


class Stock:
    """Keep a stock count in step with another shop's.

    Keys:
        peer: address of the other shop; empty: wait to be called
        port: TCP port to listen on, and to call
        every: seconds between two calls
        name: what this shop is called: no two the same, or what they do alike in the same second counts once
    """

    def __init__(self, stack: Stack, *, peer: str = "", port: int = 7000, every: float = 5.0, name: str = "") -> None:
        self.stack = stack
        self.peer = peer
        self.port = port
        self.every = every
        self.repo = Repo(MemoryBackend(), COUNTER, author=f"{name or random_tag()} <>")
        self.store = self.repo.of_branch("main")

    async def add(self, item: str, count: int) -> None:
        """Count items that came (or went, if negative)."""

        def counted(old: int | None) -> int:
            return (old or 0) + count

        await self.store.change(lambda tree: tree.update(item, counted), message=f"{item} {count:+}")

    async def run(self) -> None:
        """Answer the other shop, and call it now and then."""
        await self.stack.create_server(lambda: _Server(self), port=self.port)
        while True:
            await asyncio.sleep(self.every)
            if self.peer:
                try:
                    await asyncio.wait_for(self.call(), self.every)
                except (OSError, TimeoutError, asyncio.IncompleteReadError):
                    pass  # the other shop is out of reach: next time

    async def call(self) -> None:
        """Send what we have, take what the other shop has, merge."""
        reader = asyncio.StreamReader()
        protocol = asyncio.StreamReaderProtocol(reader)
        transport, _ = await self.stack.create_connection(lambda: protocol, self.peer, self.port)
        try:
            transport.write(await self.packed())
            await self.take(reader)
        finally:
            transport.close()

    async def packed(self) -> bytes:
        """Return our head and all that it leads to, as one of git's packs with its length before it."""
        head = await self.store.commit()
        if head is None:
            return bytes(ID + 4)
        objects = [each async for each in export(self.repo, max=[head])]
        content, _ = serialize(objects, len(objects))
        return head.oid + len(content).to_bytes(4, "big") + content

    async def take(self, reader: asyncio.StreamReader) -> None:
        """Merge what the other shop sends."""
        oid = await reader.readexactly(ID)
        length = int.from_bytes(await reader.readexactly(4), "big")
        if length > LARGEST:
            raise OSError(f"the other shop sends {length} octets, the limit is {LARGEST}")
        if length:
            content = await reader.readexactly(length)
            await import_slice(self.repo, _objects(content))
            await self.store.merge_with(await self.repo.commit(oid), message="merge")


async def _objects(content: bytes) -> AsyncIterator[tuple[bytes, Object]]:
    for found in read_pack(content, LIMIT):
        yield found.oid, found.object


class _Server(asyncio.StreamReaderProtocol):
    def __init__(self, stock: Stock) -> None:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                await stock.take(reader)
                writer.write(await stock.packed())
                await writer.drain()
            except (OSError, asyncio.IncompleteReadError):
                pass  # it will call again
            finally:
                writer.close()

        super().__init__(asyncio.StreamReader(), serve)
