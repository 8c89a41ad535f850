"""`fata run examples/asgi`: an unchanged Starlette application, spoken to by curl and by websockets."""

from __future__ import annotations

import asyncio
import hashlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from websockets.asyncio.client import connect

from tests.http.command import Running, curl

FOLDER = Path(__file__).parent
TEN_MEGABYTES = b"".join(hashlib.sha256(b"%d" % number).digest() for number in range(312_500))

pytestmark = [pytest.mark.peer, pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")]


@pytest.fixture(scope="module")
def asgi() -> Iterator[Running]:
    with Running(FOLDER) as running:
        yield running
    assert "Traceback" not in running.output


def test_json_and_page(asgi: Running) -> None:
    assert json.loads(curl(f"{asgi.url}/hello/w%C3%B6rld")) == {"hello": "wörld", "client": "127.0.0.1"}
    assert b"<h1>An echo</h1>" in curl(f"{asgi.url}/")
    assert curl("-o", "/dev/null", "-w", "%{http_code}", f"{asgi.url}/nowhere") == b"404"


def test_answer_of_unknown_length(asgi: Running) -> None:
    expected = "".join(f"{number}\n" for number in range(2000)).encode()
    assert curl(f"{asgi.url}/count/2000") == expected
    assert curl("--http1.0", f"{asgi.url}/count/2000") == expected


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("-H", "Transfer-Encoding: chunked"),
        ("-H", "Expect: 100-continue", "--expect100-timeout", "10"),
        ("--http1.0",),
    ],
    ids=["sized", "chunked", "after 100 Continue", "HTTP 1.0"],
)
def test_upload_of_ten_megabytes(asgi: Running, tmp_path: Path, words: tuple[str, ...]) -> None:
    source = tmp_path / "upload"
    source.write_bytes(TEN_MEGABYTES)
    said = json.loads(curl("-T", str(source), *words, f"{asgi.url}/upload"))
    assert said == {"octets": 10_000_000, "sha256": hashlib.sha256(TEN_MEGABYTES).hexdigest()}


def test_websocket_echoes_text_octets_and_what_is_large(asgi: Running) -> None:
    async def talk() -> None:
        async with connect(f"ws://127.0.0.1:{asgi.port}/echo", max_size=None) as websocket:
            for message in ("hello", "", "wörld", b"\0\xff", TEN_MEGABYTES[:3_000_000]):
                await websocket.send(message)
                assert await websocket.recv() == message
            await websocket.send(["frag", "men", "ted"])
            assert await websocket.recv() == "fragmented"
            await (await websocket.ping())
        assert websocket.close_code == 1000

    asyncio.run(talk())


def test_interrupt_ends_it_in_good_order_and_tells_who_is_connected() -> None:
    with Running(FOLDER) as running:

        async def stay() -> tuple[int, int | None]:
            async with connect(f"ws://127.0.0.1:{running.port}/echo") as websocket:
                status = await asyncio.to_thread(running.interrupt)
                await websocket.wait_closed()
            return status, websocket.close_code

        assert asyncio.run(stay()) == (130, 1001)
    assert "Traceback" not in running.output
