"""How long a program's end takes at most, whatever peers and applications do: less than who asked for it waits."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from fata.driver.kv.memory import MemoryKv
from fata.driver.net.switch import Port
from fata.driver.poller.virtual import VirtualPoller
from fata.http import serve_asgi, serve_files
from fata.http.limits import DEFAULT, LAST_SECONDS
from fata.stack.direct import LINGER, DirectStack
from fata.stack.host import LAST_WORDS
from fata.target.virtio.guest import PATIENCE
from tests.stack.networks import run_virtual, stacks
from tests.stack.test_slow_readers import Reader

GRACE = DEFAULT.grace_seconds + LAST_SECONDS
STACK = LINGER + LAST_WORDS
SITE, APPLICATION = GRACE + STACK, 2 * GRACE + STACK  # seconds
PEERS = 24
LARGE = 3_000_000  # octets, more than both ends' buffers hold
GET = b"GET /big HTTP/1.1\r\nHost: a\r\n%b\r\n"


async def stubborn(scope: Any, receive: Any, send: Any) -> None:
    """Neither answers nor ends."""
    if scope["type"] == "lifespan":
        await receive()
        await send({"type": "lifespan.startup.complete"})
    while True:
        await asyncio.sleep(3600.0)


async def besiege(server: DirectStack, clients: DirectStack) -> None:
    """Have peers that read nothing, that have asked for half, and that have gone without a word."""
    for number in range(PEERS):
        _, reader = await clients.create_connection(Reader, server.address, 80)
        words = GET % (b"Connection: close\r\n" if number % 2 else b"")
        reader.transport.write(words if number % 4 else words[:-2])
    await asyncio.sleep(1.0)


@pytest.mark.parametrize(("kind", "most"), [("site", SITE), ("application", APPLICATION)])
@pytest.mark.parametrize("vanish", [False, True])
def test_a_server_and_its_network_end_in_time_whatever_its_peers_do(
    monkeypatch: pytest.MonkeyPatch, kind: str, most: float, vanish: bool
) -> None:
    async def main(poller: VirtualPoller) -> None:
        loop = asyncio.get_running_loop()
        server, clients = stacks(poller, 2)
        site = MemoryKv()
        await site.set("big", bytes(LARGE))
        serving = serve_files(site, server) if kind == "site" else serve_asgi(stubborn, server)
        task = asyncio.create_task(serving)
        await asyncio.sleep(0.1)
        await besiege(server, clients)
        if vanish:
            monkeypatch.setattr(Port, "send", lambda _port, frames: len(frames))  # the wire is cut
        asked = loop.time()
        task.cancel()
        await asyncio.wait((task,))
        await server.close()
        assert loop.time() - asked <= most + 0.1

    run_virtual(main)


def test_the_tool_waits_longer_for_a_guest_than_its_parts_may_take() -> None:
    assert PATIENCE > APPLICATION
