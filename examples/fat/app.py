"""A logbook on a FAT disk: whatever reads memory cards can read it."""

from __future__ import annotations

from fata.device import Block, Clock, Console
from fata.device.kv import Kind, NotFound
from fata.disk.fat.errors import NotFat
from fata.disk.fat.plan import Wish
from fata.store.fat.check import check
from fata.store.fat.file_system import FileSystem
from fata.store.fat.mount import format_volume, mount

LOG = "Logbook/All entries.txt"


class Logbook:
    """Write an entry, and show all there are.

    Keys:
        entry: text of the entry
    """

    def __init__(self, disk: Block, clock: Clock, console: Console, *, entry: str = "All is well.") -> None:
        self.disk = disk
        self.clock = clock
        self.console = console
        self.entry = entry

    async def run(self) -> None:
        """Mount the disk, which is formatted if it is empty; write; tell what is on it."""
        files = await self.mount()
        try:
            await files.append(LOG, f"{self.entry}\n".encode())
        except NotFound:
            await files.store(LOG, f"{self.entry}\n".encode(), parents=True)
        await files.flush()
        self.say("the entry is on the disk; pull the plug if you like")
        await self.show(files)
        self.console.write((await files.read(LOG)).decode())
        info = files.info()
        self.say(f"{info.type} {info.label!r}: {info.free_clusters} of {info.clusters} clusters are free")
        await files.close()
        self.say(f"faults: {len(await check(self.disk))}")

    async def mount(self) -> FileSystem:
        """Mount the disk. Only one of zeros is formatted; anything else that is no FAT might be somebody's."""
        try:
            return await mount(self.disk, clock=self.clock)
        except NotFat as error:
            if any(await self.disk.read(0, 1)):
                raise
            self.say(f"formatting: {error}")
            await format_volume(self.disk, Wish(label="LOGBOOK"), clock=self.clock)
            return await mount(self.disk, clock=self.clock)

    async def show(self, files: FileSystem, directory: str = "") -> None:
        """Print every file, with its size."""
        for entry in await files.list(directory):
            path = f"{directory}/{entry.name}" if directory else entry.name
            if entry.kind is Kind.DICTIONARY:
                await self.show(files, path)
            else:
                self.say(f"  {path}: {entry.size} octets")

    def say(self, text: str) -> None:
        """Print a line."""
        self.console.write(f"{text}\n")
