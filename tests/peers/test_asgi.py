"""`fata run examples/asgi --net direct` over TAP: a page, an upload and a WebSocket from the kernel's sockets."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from websockets.asyncio.client import connect

from tests.http.command import Running
from tests.peers.cable import OURS, Cable, tap
from tests.programs import needs

pytestmark = [pytest.mark.root, pytest.mark.peer, needs("curl")]

FOLDER = Path(__file__).parents[2] / "examples" / "asgi"
TEN_MEGABYTES = b"".join(hashlib.sha256(b"%d" % number).digest() for number in range(312_500))


@pytest.fixture(scope="module")
def cable() -> Iterator[Cable]:
    with tap() as laid:
        yield laid


@pytest.fixture(scope="module", autouse=True)
def asgi(cable: Cable) -> Iterator[Running]:
    with ExitStack() as stack:
        with cable.near.entered():
            running = stack.enter_context(Running(FOLDER, *cable.words, address=OURS, port=80))
        cable.far.await_carrier(cable.far_interface)
        yield running
    assert "Traceback" not in running.output


def curl(cable: Cable, *words: str) -> bytes:
    return cable.run("curl", "-sS", "--max-time", "20", *words)


def test_page_and_answer_of_unknown_length(cable: Cable) -> None:
    assert json.loads(curl(cable, f"http://{OURS}/hello/w%C3%B6rld"))["hello"] == "wörld"
    assert b"<h1>An echo</h1>" in curl(cable, f"http://{OURS}/")
    assert curl(cable, f"http://{OURS}/count/2000") == "".join(f"{number}\n" for number in range(2000)).encode()


def test_upload_of_ten_megabytes(cable: Cable, tmp_path: Path) -> None:
    source = tmp_path / "upload"
    source.write_bytes(TEN_MEGABYTES)
    said = json.loads(curl(cable, "-T", str(source), f"http://{OURS}/upload"))
    assert said == {"octets": 10_000_000, "sha256": hashlib.sha256(TEN_MEGABYTES).hexdigest()}


def test_websocket_echoes_and_is_closed_in_good_order(cable: Cable) -> None:
    async def talk() -> None:
        async with connect(f"ws://{OURS}/echo", max_size=None) as websocket:
            for message in ("hello", "", "wörld", b"\0\xff", TEN_MEGABYTES[:3_000_000]):
                await websocket.send(message)
                assert await websocket.recv() == message
        assert websocket.close_code == 1000

    with cable.far.entered():
        asyncio.run(talk())


def test_interrupt_ends_it_in_good_order(asgi: Running) -> None:
    assert asgi.interrupt() == 130
    assert "rror" not in asgi.output
