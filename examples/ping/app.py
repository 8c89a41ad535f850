"""Asks a host whether it is there."""

import asyncio

from fata.device import Console, Icmp
from fata.errors import Unavailable


class Ping:
    """Send echo requests to a host, and tell how long each reply took.

    Keys:
        host: name or address to ask
        count: how many requests
        interval: seconds between two requests
        size: octets of payload
        wait: seconds to wait for a reply
    """

    def __init__(
        self,
        stack: Icmp,
        console: Console,
        *,
        host: str,
        count: int = 4,
        interval: float = 1.0,
        size: int = 56,
        wait: float = 1.0,
    ) -> None:
        self.stack = stack
        self.console = console
        self.host = host
        self.count = count
        self.interval = interval
        self.size = size
        self.wait = wait

    async def run(self) -> None:
        """Ask `count` times. Raises `Unavailable` if no reply comes at all."""
        times: list[float] = []
        for number in range(self.count):
            if number:
                await asyncio.sleep(self.interval)
            try:
                took = await self.stack.ping(self.host, size=self.size, wait=self.wait)
            except TimeoutError:
                self.console.write(f"{self.host}: {number + 1}: no reply\n")
            except OSError as error:
                self.console.write(f"{self.host}: {number + 1}: {error}\n")
            else:
                times.append(took * 1000)
                self.console.write(f"{self.host}: {number + 1}: {self.size} octets in {times[-1]:.3f} ms\n")
        if not times:
            raise Unavailable(f"{self.host} does not answer")
        mean = sum(times) / len(times)
        self.console.write(f"{self.count} sent, {len(times)} received: {min(times):.3f} ms at least, ")
        self.console.write(f"{mean:.3f} on average, {max(times):.3f} at most\n")
