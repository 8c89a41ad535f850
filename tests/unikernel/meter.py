"""Tells how much memory the machine has left, and how many blocks Python holds, to whoever connects.

A test puts this beside an application: it is a second job on the same network.
"""

import asyncio
import gc
import os
import sys
from typing import Any

from fata.device import Stack


class Reading(asyncio.Protocol):
    """Free pages as the kernel counts them, allocated blocks as Python counts them."""

    def connection_made(self, transport: Any) -> None:
        gc.collect()
        transport.write(b"%d %d\n" % (os.sysconf("SC_AVPHYS_PAGES"), sys.getallocatedblocks()))
        transport.close()


class Meter:
    """Answer every connection with a reading.

    Keys:
        meter_port: TCP port to listen on
    """

    def __init__(self, stack: Stack, *, meter_port: int = 9) -> None:
        self.stack = stack
        self.meter_port = meter_port

    async def run(self) -> None:
        """Serve until somebody stops the program."""
        await self.stack.create_server(Reading, port=self.meter_port)
        await asyncio.Event().wait()
