"""Samples what the guest's main thread does, from a thread with a timer, and hands the stacks to whoever connects.

unikernel.py puts it beside an application. It begins with its import, which is the first that the program does, so that
the imports of all others are seen. A sample is taken when the thread gets Python's lock: a long call of C is seen where
it ends, and the share of waiting is that of `_hw.wait`, which gives the lock away.
"""

import _thread
import asyncio
import sys
import time
from typing import Any

from fata.device import Stack

INTERVAL = 0.004  # seconds
DEEPEST = 60

main_thread = _thread.get_ident()
seen: dict[str, int] = {}


def sample() -> None:
    """Note where the main thread is, again and again."""
    while True:
        time.sleep(INTERVAL)
        frame = sys._current_frames().get(main_thread)
        names: list[str] = []
        while frame is not None and len(names) < DEEPEST:
            module = frame.f_globals.get("__name__", "?")
            names.append(f"{module}:{frame.f_code.co_qualname}")
            frame = frame.f_back
        stack = ";".join(reversed(names))
        seen[stack] = seen.get(stack, 0) + 1


_thread.start_new_thread(sample, ())


class Handing(asyncio.Protocol):
    """Writes every stack with its count, a line each, and begins anew."""

    def connection_made(self, transport: Any) -> None:
        lines = [f"{stack} {count}\n" for stack, count in seen.items()]
        seen.clear()
        transport.write("".join(lines).encode())
        transport.close()


class Sampler:
    """Serve the stacks."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack

    async def run(self) -> None:
        """Serve until somebody stops the program."""
        await self.stack.create_server(Handing, port=9)
        await asyncio.Event().wait()
