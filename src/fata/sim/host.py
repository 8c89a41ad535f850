"""A host of a simulation: a card, a cable with faults, our stack on top, and the tasks that run there."""

from __future__ import annotations

import asyncio
from hashlib import sha256
from typing import TYPE_CHECKING, Any, TypeVar, cast

from fata.driver.entropy.seeded import SeededEntropy
from fata.errors import StateError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Mapping

    from fata.device.stack import Server
    from fata.driver.net.faults import FaultyNet
    from fata.driver.net.line import Faults
    from fata.stack.direct import DirectStack
    from fata.stack.ipv4 import Addressing

    ServeStreams = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

T = TypeVar("T")


class Host:
    """One host. Made by `Simulation.host`.

    `stack` is its TCP, UDP and names, as an application gets it. Tasks that are started with `start` are the
    programs that run on it: a power cut ends them.
    """

    def __init__(
        self,
        name: str,
        seed: int,
        addressing: Addressing,
        servers: tuple[bytes, ...],
        plug_in: Callable[[], FaultyNet],
        report: Callable[[BaseException], None],
        options: Mapping[str, Any],
    ) -> None:
        self.name = name
        self._seed = seed
        self._addressing = addressing
        self._servers = servers
        self._plug_in = plug_in
        self._report = report
        self._options = options  # of its stack
        self._boots = 0
        self._tasks: dict[asyncio.Task[Any], None] = {}  # in the order of their start
        self._dying: dict[asyncio.Task[None], None] = {}
        self._cable: FaultyNet | None = None
        self._stack: DirectStack | None = None
        self.entropy = SeededEntropy(seed)

    def __repr__(self) -> str:
        return f"<Host {self.name}{'' if self.is_on else ', without power'}>"

    @property
    def is_on(self) -> bool:
        """Whether it has power."""
        return self._stack is not None

    @property
    def address(self) -> str:
        """Its IPv4 address."""
        from fata.wire.ipv4 import format_address

        return format_address(self._addressing.address)

    @property
    def stack(self) -> DirectStack:
        """Its stack; another one after each `power_on`."""
        if self._stack is None:
            raise StateError(f"{self.name} has no power")
        return self._stack

    @property
    def cable(self) -> FaultyNet:
        """Its card with the cable to the switch: faults, counters and the plug."""
        if self._cable is None:
            raise StateError(f"{self.name} has no power")
        return self._cable

    @property
    def sending(self) -> Faults:
        """What befalls the frames that it sends. May be set at any time."""
        return self.cable.sending.faults

    @sending.setter
    def sending(self, faults: Faults) -> None:
        self.cable.sending.faults = faults

    @property
    def receiving(self) -> Faults:
        """What befalls the frames that it is sent. May be set at any time."""
        return self.cable.receiving.faults

    @receiving.setter
    def receiving(self, faults: Faults) -> None:
        self.cable.receiving.faults = faults

    def start(self, program: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Run a program on this host: a task that ends with the host's power. Its error fails `Simulation.run`.

        For a running simulation.
        """
        if self._stack is None:
            program.close()
            raise StateError(f"{self.name} has no power")
        task = asyncio.get_running_loop().create_task(program)
        self._tasks[task] = None
        task.add_done_callback(self._end)
        return task

    def _end(self, task: asyncio.Task[Any]) -> None:
        self._tasks.pop(task, None)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self._report(error)

    async def start_server(self, serve: ServeStreams, port: int) -> Server:
        """Serve TCP connections to `port` with `serve(reader, writer)`, as `asyncio.start_server` does."""
        loop = asyncio.get_running_loop()

        def make() -> asyncio.StreamReaderProtocol:
            return asyncio.StreamReaderProtocol(asyncio.StreamReader(loop=loop), serve, loop=loop)

        return await self.stack.create_server(make, port=port)

    async def open_connection(self, host: Host | str, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Connect to another host, or to an address or name, as `asyncio.open_connection` does."""
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(loop=loop)
        protocol = asyncio.StreamReaderProtocol(reader, loop=loop)
        address = host if isinstance(host, str) else host.address
        transport, _protocol = await self.stack.create_connection(lambda: protocol, address, port)
        return reader, asyncio.StreamWriter(cast("asyncio.WriteTransport", transport), protocol, reader, loop)

    def power_on(self) -> None:
        """Boot with a stack that knows nothing of what was before. For a running simulation."""
        from fata.stack.direct import DirectStack

        if self._stack is not None:
            raise StateError(f"{self.name} has power already")
        self._boots += 1
        digest = sha256(f"{self._seed} {self.name} {self._boots}".encode()).digest()
        self.entropy = SeededEntropy(int.from_bytes(digest[:8]))
        self._cable = self._plug_in()
        self._stack = DirectStack(
            self._cable, self._addressing, self.entropy.octets, servers=self._servers, **self._options
        )

    def power_cut(self) -> None:
        """Fall silent at once: nothing is sent any more, no peer learns of it, and its tasks are cancelled.

        For a running simulation. What a cancelled task still writes or sends reaches nobody.
        """
        if self._stack is None or self._cable is None:
            raise StateError(f"{self.name} has no power")
        self._cable.unplug()
        for task in self._tasks:
            task.cancel()
        self._stack.take_back()
        dying = asyncio.get_running_loop().create_task(self._stack.close(0.0))
        self._dying[dying] = None
        dying.add_done_callback(lambda done: self._dying.pop(done, None))
        self._stack = self._cable = None
