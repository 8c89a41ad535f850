"""Shows a tree of files, wherever it lies."""

from fata.device import Console, KvRo
from fata.device.kv import Kind


class Browse:
    """Print every file with its size, and one of them whole.

    Keys:
        show: file that is printed
    """

    def __init__(self, files: KvRo, console: Console, *, show: str = "welcome.txt") -> None:
        self.files = files
        self.console = console
        self.show = show

    async def run(self) -> None:
        """Walk through the tree, then print."""
        await self.walk("", "")
        if await self.files.exists(self.show) is not Kind.VALUE:
            self.console.write(f"there is no {self.show}\n")
            raise SystemExit(1)
        self.console.write((await self.files.get(self.show)).decode())

    async def walk(self, dictionary: str, indent: str) -> None:
        """Print what is in a dictionary."""
        for name, kind in await self.files.list(dictionary):
            key = f"{dictionary}/{name}" if dictionary else name
            if kind is Kind.DICTIONARY:
                self.console.write(f"{indent}{name}/\n")
                await self.walk(key, indent + "  ")
            else:
                self.console.write(f"{indent}{name}  {await self.files.size(key)}\n")
