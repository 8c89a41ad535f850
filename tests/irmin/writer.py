"""A program that writes one git directory: run by tests as a process of its own, several at once, and killed.

Usage: python -m tests.irmin.writer DIRECTORY NAME COUNT DURABILITY      prints each number once it is committed
"""

from __future__ import annotations

import asyncio
import sys

from fata.irmin import TEXT, Repo
from fata.irmin.backend.git import Durability, GitBackend
from fata.irmin.errors import Busy, TooManyRetries


async def write(directory: str, name: str, count: int, durability: Durability) -> None:
    """Commit `count` times on main, however often others are faster."""
    backend = GitBackend(directory, durability=durability)
    store = Repo(backend, TEXT, author=f"{name} <{name}@example.org>").of_branch("main")
    for number in range(count):
        while True:
            try:
                await store.set(f"{name}/{number % 100}", str(number), message=f"{name} {number}")
                break
            except (TooManyRetries, Busy):
                continue
        sys.stdout.write(f"{number}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(write(sys.argv[1], sys.argv[2], int(sys.argv[3]), Durability(sys.argv[4])))
