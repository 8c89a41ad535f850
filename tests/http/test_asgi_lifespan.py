"""An application's start and end, over a real listener."""

from __future__ import annotations

import asyncio
import dataclasses
from typing import Any

import pytest

from fata.http import StartupFailed
from tests.http.loopback import SHORT, Loopback, asgi, exchanged

GET = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"


class Application:
    """Writes down what it lives through."""

    def __init__(self, startup: str = "complete", shutdown: str = "complete") -> None:
        self.life: list[str] = []
        self.startup = startup
        self.shutdown = shutdown

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "lifespan":
            self.life.append(f"request with {scope['state']['pool']}")
            await send({"type": "http.response.start", "status": 200})
            await send({"type": "http.response.body"})
            return
        for stage, end in (("startup", self.startup), ("shutdown", self.shutdown)):
            message = await receive()
            assert message == {"type": f"lifespan.{stage}"}
            self.life.append(stage)
            scope["state"]["pool"] = "a pool"
            if end == "hang":
                await asyncio.sleep(3600)
            await send({"type": f"lifespan.{stage}.{end}", "message": f"no {stage} today"})


async def once(application: Any) -> bytes:
    async with asgi(application) as port:
        answer = await exchanged(port, GET)
    assert len(asyncio.all_tasks()) == 1
    return answer


def test_application_lives_from_startup_to_shutdown_with_its_state() -> None:
    application = Application()
    assert asyncio.run(once(application)).startswith(b"HTTP/1.1 200 OK\r\n")
    assert application.life == ["startup", "request with a pool", "shutdown"]


def test_application_that_cannot_start_says_why() -> None:
    with pytest.raises(StartupFailed, match="no startup today"):
        asyncio.run(once(Application(startup="failed")))


@pytest.mark.parametrize("shutdown", ["failed", "hang"])
def test_application_that_does_not_end_well_is_told_of_and_left(
    shutdown: str, caplog: pytest.LogCaptureFixture
) -> None:
    application = Application(shutdown=shutdown)
    asyncio.run(once(application))
    assert application.life[-1] == "shutdown"
    assert "did not shut down" in caplog.text


@pytest.mark.parametrize("raises", [True, False])
def test_application_without_lifespan_is_served_all_the_same(raises: bool) -> None:
    async def application(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            if raises:
                raise ValueError("what is that?")
            return
        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.body"})

    assert asyncio.run(once(application)).startswith(b"HTTP/1.1 200 OK\r\n")


def test_start_that_is_cancelled_ends_the_application_too() -> None:
    async def scenario() -> None:
        from fata.http import serve_asgi

        application = Application(startup="hang")
        task = asyncio.create_task(serve_asgi(application, Loopback(), port=0))
        while not application.life:
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait((task,))
        assert task.cancelled()
        assert len(asyncio.all_tasks()) == 1

    asyncio.run(scenario())


def test_port_that_is_taken_is_told_and_the_application_ends() -> None:
    async def scenario() -> None:
        from fata.http import serve_asgi

        application = Application()
        async with asgi(Application()) as port:
            with pytest.raises(OSError, match="in use"):
                await serve_asgi(application, Loopback(), port=port, limits=dataclasses.replace(SHORT))
        assert application.life == ["startup", "shutdown"]

    asyncio.run(scenario())
