"""Fetches a page over HTTP or HTTPS."""

import asyncio
import ssl
from typing import Any
from urllib.parse import SplitResult, urlsplit

import h11

from fata.device import BootFiles, Console, Stack, WallClock
from fata.errors import ConfigError, Unavailable

PORTS = {"http": 80, "https": 443}
CA = "ca.pem"
NEEDS_A_CLOCK = "the clock is not set, so no certificate can be verified"


class Exchange(asyncio.Protocol):
    """One request and its answer; `answer` is done with status and body once all of it is there."""

    def __init__(self, url: SplitResult, answer: asyncio.Future[tuple[int, bytes]]) -> None:
        self.http = h11.Connection(h11.CLIENT)
        self.url = url
        self.answer = answer
        self.status = 0
        self.body = bytearray()

    def connection_made(self, transport: Any) -> None:
        target = (self.url.path or "/") + (f"?{self.url.query}" if self.url.query else "")
        headers = [("Host", self.url.netloc), ("Connection", "close")]
        transport.write(self.http.send(h11.Request(method="GET", target=target, headers=headers)))
        self.http.send(h11.EndOfMessage())

    def data_received(self, data: bytes) -> None:
        self.advance(data)

    def eof_received(self) -> None:
        self.advance(b"")

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.answer.done():
            self.answer.set_exception(exc or ConnectionError("the server has closed in the middle of its answer"))

    def advance(self, data: bytes) -> None:
        """Read on. An answer that is no HTTP ends it; what comes behind the answer is passed over."""
        try:
            self.http.receive_data(data)
            while not self.answer.done() and (event := self.http.next_event()) is not h11.NEED_DATA:
                self.take(event)
        except h11.RemoteProtocolError as error:
            if not self.answer.done():
                self.answer.set_exception(ConnectionError(f"the answer is no HTTP: {error}"))

    def take(self, event: object) -> None:
        """Take a part of the answer."""
        match event:
            case h11.Response():
                self.status = event.status_code
            case h11.Data():
                self.body += event.data
            case h11.EndOfMessage():
                self.answer.set_result((self.status, bytes(self.body)))


class HttpFetch:
    """Fetch a page, and print its status and its body.

    Whom to trust is told by `--file ca.pem=PATH` (PEM); without it by the system, where there is one.

    Keys:
        url: what to fetch, http or https
        wait: seconds to wait for the whole of it
    """

    def __init__(
        self, stack: Stack, console: Console, clock: WallClock, files: BootFiles, *, url: str, wait: float = 30.0
    ) -> None:
        self.stack = stack
        self.console = console
        self.clock = clock
        self.files = files
        self.url = url
        self.wait = wait

    async def run(self) -> None:
        """Fetch it. Raises `ConfigError` for what is no URL and `Unavailable` when nothing is to be had."""
        url = urlsplit(self.url)
        if url.scheme not in PORTS or not url.hostname:
            raise ConfigError(f"{self.url!r} is no URL", remedy="Give one as in https://example.com/page")
        try:
            async with asyncio.timeout(self.wait):
                status, body = await self.fetch(url, url.hostname)
        except TimeoutError:
            raise Unavailable(f"{url.netloc}: not all of it has come within {self.wait:g} s") from None
        except ssl.SSLCertVerificationError as error:
            raise Unavailable(f"{url.hostname}: {error.verify_message}", f"Whom to trust: --file {CA}=PATH") from error
        except OSError as error:
            raise Unavailable(f"{url.netloc}: {error}") from error
        self.console.write(f"{status}\n")
        self.console.write(body.decode("utf-8", "replace"))

    async def fetch(self, url: SplitResult, host: str) -> tuple[int, bytes]:
        """Return status and body."""
        answer: asyncio.Future[tuple[int, bytes]] = asyncio.get_running_loop().create_future()
        transport, _ = await self.stack.create_connection(
            lambda: Exchange(url, answer), host, url.port or PORTS[url.scheme], ssl=self.trust(url.scheme)
        )
        try:
            return await answer
        finally:
            transport.close()

    def trust(self, scheme: str) -> ssl.SSLContext | None:
        """Return how a server has to prove who it is. A machine that does not know the date trusts nobody."""
        if scheme != "https":
            return None
        if self.clock.wall() is None:
            raise Unavailable(NEEDS_A_CLOCK, "Set the machine's clock.")
        try:
            return ssl.create_default_context(cafile=self.files.find(CA))
        except OSError as error:
            reason = f"{CA}: {error.strerror or error}"
            raise Unavailable(reason, f"Give certificates in PEM: --file {CA}=PATH") from error
