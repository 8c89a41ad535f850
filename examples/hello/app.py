"""Greets on the console."""

from fata.device import Console


class Hello:
    """Say hello.

    Keys:
        name: whom to greet
        count: how many times
    """

    def __init__(self, console: Console, *, name: str = "world", count: int = 1) -> None:
        self.console = console
        self.name = name
        self.count = count

    async def run(self) -> None:
        """Write the lines and return."""
        for _ in range(self.count):
            self.console.write(f"hello {self.name}\n")
