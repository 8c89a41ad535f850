"""A diary on an encrypted disk."""

from fata.device import Console, KvRw


class Diary:
    """Add an entry, and show all.

    Keys:
        entry: text of the new entry; without it the diary is only read
    """

    def __init__(self, diary: KvRw, console: Console, *, entry: str = "") -> None:
        self.diary = diary
        self.console = console
        self.entry = entry

    async def run(self) -> None:
        """Write, make durable, read."""
        if self.entry:
            number = len(await self.diary.list("")) + 1
            await self.diary.set(f"{number:06}", self.entry.encode())
            await self.diary.flush()
        for name, _ in await self.diary.list(""):
            self.console.write(f"{int(name)}: {(await self.diary.get(name)).decode()}\n")
