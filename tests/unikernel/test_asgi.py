"""`fata run examples/asgi -t virtio`: an unchanged Starlette application with a WebSocket, as a unikernel."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator

import pytest
from websockets.asyncio.client import connect

from examples.asgi.test_asgi import TEN_MEGABYTES
from tests.http.command import curl
from tests.programs import needs, needs_runtime
from tests.unikernel import memory
from tests.unikernel.guest import Unikernel
from tests.unikernel.load import Clients, Outcome
from tests.unikernel.test_www import CONNECTIONS, REQUESTS, WARM_UP

MESSAGES = 300

pytestmark = [pytest.mark.qemu, needs("qemu-system-x86_64"), needs("curl"), needs_runtime()]


@pytest.fixture(scope="module", params=["microvm", "q35"])
def asgi(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Unikernel]:
    application = memory.metered("asgi", tmp_path_factory.mktemp("asgi"))
    with Unikernel(application, request.param, ports=("80", memory.PORT)) as guest:
        yield guest


def test_pages_json_streams_and_uploads(asgi: Unikernel) -> None:
    assert json.loads(curl(asgi.url("/hello/w%C3%B6rld"))) == {"hello": "wörld", "client": "10.0.2.2"}
    assert b"<h1>An echo</h1>" in curl(asgi.url())
    assert curl(asgi.url("/count/500")) == "".join(f"{number}\n" for number in range(500)).encode()
    said = json.loads(curl("--data-binary", "@-", "-X", "PUT", asgi.url("/upload"), typed=TEN_MEGABYTES[:1_000_000]))
    assert said["octets"] == 1_000_000


async def talk(guest: Unikernel, messages: int) -> int:
    """Send messages of all sizes; return how many came back as they were sent."""
    same = 0
    async with connect(f"ws://127.0.0.1:{guest.port()}/echo", max_size=None) as websocket:
        for number in range(messages):
            message = TEN_MEGABYTES[number : number + (number * 37) % 4000] if number % 2 else "ö" * number
            await websocket.send(message)
            same += await websocket.recv() == message
        await websocket.send(TEN_MEGABYTES[:300_000])
        same += await websocket.recv() == TEN_MEGABYTES[:300_000]
    return same


def test_a_websocket_talks_while_two_hundred_connections_ask_and_memory_is_flat(asgi: Unikernel) -> None:
    async def load() -> tuple[Outcome, int, str]:
        async with Clients(asgi.port(), "/hello/you", CONNECTIONS) as clients:
            await asyncio.gather(clients.ask(WARM_UP), talk(asgi, 20))
            before = await asyncio.to_thread(memory.read, asgi)
            outcome, echoed = await asyncio.gather(clients.ask(REQUESTS), talk(asgi, MESSAGES))
            after = await asyncio.to_thread(memory.read, asgi)
        return outcome, echoed, memory.growth(before, after, REQUESTS)

    assert asyncio.run(load()) == ((CONNECTIONS + WARM_UP + REQUESTS, 0, 0), MESSAGES + 1, "")
