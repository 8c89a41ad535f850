"""A small machine's server over our own stack, and as many strangers as it admits: who is honest is answered."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from fata.driver.entropy.seeded import SeededEntropy
from fata.driver.net.switch import Switch
from fata.driver.poller.virtual import VirtualPoller
from fata.http.asgi import Asgi
from fata.http.limits import Limits
from fata.http.server import Server
from fata.proto.tcp.settings import DELIVERED, RECEIVED_FLOOR
from fata.stack.direct import DirectStack
from fata.stack.ipv4 import Addressing
from tests.http.applications import GET, answer
from tests.http.wires import statuses
from tests.stack.networks import run_virtual

MEMORY = 4 << 20  # octets
STRANGERS = 60
WAKE_UP = 100_000  # octets of frames that come in one go
BODY = bytes(400_000)
POST = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(BODY)


class Client(asyncio.Protocol):
    """Says all that it has to say at once."""

    def __init__(self, *said: bytes) -> None:
        self.said = said
        self.answered = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        transport.writelines(self.said)

    def data_received(self, data: bytes) -> None:
        self.answered += data


async def application(scope: Any, receive: Any, send: Any) -> None:
    """Counts a body, but for strangers', of whose it never takes more than the first piece."""
    taken, more = 0, True
    while more:
        message = await receive()
        taken += len(message["body"])
        more = message["more_body"]
        if scope["path"] == "/":
            await asyncio.Event().wait()
    await answer(send, b"%d" % taken, (b"content-length", b"%d" % len(b"%d" % taken)))


def stack(switch: Switch, number: int, memory: int | None = None) -> DirectStack:
    port = switch.port(bytes((2, 0, 0, 0, 0, number)))
    return DirectStack(port, Addressing(bytes((10, 0, 0, number)), 24), SeededEntropy(number).octets, memory=memory)


@pytest.mark.parametrize("honest", [GET, POST.replace(b"%d" % len(BODY), b"3000") + bytes(3000)])
def test_somebody_honest_is_answered_beside_strangers_who_hold_all_that_they_may(honest: bytes) -> None:
    async def main(poller: VirtualPoller) -> None:
        switch = Switch(poller)
        machine, clients = stack(switch, 1, MEMORY), stack(switch, 2)
        limits = Limits.of(machine)
        server = Server(Asgi(application, {}, "", limits), limits, None)
        serving = asyncio.create_task(server.run(machine, None, 80))
        await asyncio.sleep(1)
        strangers = [
            (await clients.create_connection(lambda: Client(POST, BODY), machine.address, 80))[1]
            for _ in range(STRANGERS)
        ]
        await asyncio.sleep(5)
        pool = machine.host.tcp.host.pool
        assert pool.full
        assert server.budget.free < DELIVERED
        said = honest.replace(b" / ", b" /honest ")
        _, client = await clients.create_connection(lambda: Client(said), machine.address, 80)
        for number in range(1, 6):
            await asyncio.sleep(1)
            assert statuses(client.answered) == [200] * number
            client.transport.write(said)
        assert pool.full, "still"
        assert pool.held <= pool.limit + STRANGERS * RECEIVED_FLOOR + WAKE_UP
        assert server.budget.held <= server.budget.limit + STRANGERS * DELIVERED
        for stranger in strangers:
            stranger.transport.abort()
        await asyncio.sleep(1)
        assert (pool.held, server.budget.held) == (0, 0)
        serving.cancel()
        await asyncio.wait((serving,))

    run_virtual(main)
