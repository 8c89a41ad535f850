"""Nothing is left behind: connections, tasks, received frames and objects are back to their start."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Awaitable, Callable

from fata.proto.tcp.connection import Connection
from fata.stack.direct import DirectStack
from fata.stack.transport import TcpTransport

ROUNDS = 3
SLACK = 1500  # objects: what libraries keep in caches, and what the heap of timers keeps until it is swept


def live(stack: DirectStack) -> list[Connection]:
    """Return the connections that have not come to their end."""
    return [one for one in stack.host.tcp.host.connections.values() if isinstance(one, Connection)]


async def quiet(stack: DirectStack, tasks: int) -> None:
    """Wait until no connection lives and so many tasks are left: the peer's last words are on their way."""
    for _ in range(500):
        if not live(stack) and len(asyncio.all_tasks()) <= tasks:
            return
        await asyncio.sleep(0.01)
    raise AssertionError(f"{live(stack)} live on, and {asyncio.all_tasks()}")


def objects(stack: DirectStack) -> int:
    """Count all objects; none of them may be a transport of `stack` any more."""
    for _ in range(3):  # finalizers set more free
        gc.collect()
    found = gc.get_objects()
    assert [one for one in found if type(one) is TcpTransport and one._tcp is stack.host.tcp] == []
    return len(found)


async def leaves_nothing(stack: DirectStack, clients: Callable[[], Awaitable[None]]) -> None:
    """Run `clients`, which may leave nothing open, until caches are full, then some times more: nothing stays."""
    tasks = len(asyncio.all_tasks())
    await clients()
    await quiet(stack, tasks)
    await clients()
    await quiet(stack, tasks)
    before = objects(stack)
    for _ in range(ROUNDS):
        await clients()
        await quiet(stack, tasks)
    stack.host.tcp.host.connections.clear()  # what is left of them is TIME-WAIT, which is meant to stay a minute
    after = objects(stack)
    assert after < before + SLACK, f"{after - before} objects more after {ROUNDS} rounds"
