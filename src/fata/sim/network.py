"""A network in one process: hosts with fata's own stack, cables with faults, virtual time, and one seed for it all.

    with Simulation(seed=7) as sim:
        server = sim.host("server", link=Faults(delay=0.02, loss=0.05))
        client = sim.host("client")
        sim.run(play(server.stack, client.stack))

Every host has a cable to one switch. Equal programs with equal seeds send equal packets at equal times, on every
machine and under any PYTHONHASHSEED; TLS and work in threads are outside of that promise. docs/guides/simulation.md
shows what else there is.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from hashlib import sha256
from typing import TYPE_CHECKING, Any, TypeVar

from fata.driver.net.faults import FaultyNet
from fata.driver.net.line import Faults
from fata.driver.net.pcap import PcapFile
from fata.driver.net.switch import Port, Switch
from fata.driver.poller.virtual import VirtualPoller
from fata.errors import ConfigError, StateError
from fata.runtime.loop import Loop
from fata.sim.host import Host

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from types import TracebackType

    from fata.driver.clock.virtual import VirtualClock
    from fata.proto.tcp.settings import HostSettings, Settings

T = TypeVar("T")

LAN = Faults(delay=50e-6)  # seconds: a packet and its answer take 0.2 ms, so that programs start before what they hear
MAX_CARDS = 250  # as many addresses as the default network has


class Simulation:
    """Owns a network, its hosts, its loop and its time, which is 0 at first. A context manager."""

    def __init__(self, seed: int = 0, *, clock: VirtualClock | None = None) -> None:
        self.seed = seed
        self.poller = VirtualPoller(clock)
        self.clock = self.poller.clock
        self.hosts: dict[str, Host] = {}
        self.switch = Switch(self.poller, observe=self._observe, passes=self._passes)
        self._captures: list[PcapFile] = []
        self._observers: list[Callable[[float, bytes], None]] = []
        self._cards: dict[str, int] = {}  # number of each, by name
        self._owners: dict[bytes, str] = {}  # names by MAC
        self._cut: set[frozenset[str]] = set()  # pairs that do not hear each other
        self._errors: list[BaseException] = []
        self._runner = asyncio.Runner(loop_factory=self._make_loop)

    def _make_loop(self) -> Loop:
        loop = Loop(self.poller)
        loop.set_exception_handler(self._note_error)
        return loop

    # Time.

    @property
    def now(self) -> float:
        """Seconds that have passed."""
        return self.clock.monotonic()

    def at(self, moment: float, action: Callable[[], object]) -> None:
        """Have `action` called when `now` is `moment`."""
        self._runner.get_loop().call_at(moment, action)

    def run(self, program: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine to its end; virtual time passes while it waits. May be called again.

        Raises what it raises, or the first error that meanwhile befell a callback, a protocol, a forgotten task or a
        program on a host. Raises `StateError` if it waits for something that can never happen.
        """
        self._errors.clear()
        try:
            result = self._runner.run(program)
        except StateError as deadlock:
            if self._errors:
                raise self._errors[0] from deadlock  # why nothing happens any more
            raise
        if self._errors:
            raise self._errors[0]
        return result

    def _note_error(self, _loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        self._errors.append(context.get("exception") or StateError(context["message"]))

    # Hosts.

    def host(
        self,
        name: str,
        ipv4: str | None = None,
        *,
        gateway: str | None = None,
        dns: tuple[str, ...] = (),
        link: Faults = LAN,
        sending: Faults | None = None,
        receiving: Faults | None = None,
        mtu: int = 1500,
        lend: bool = False,
        settings: Settings | None = None,
        caps: HostSettings | None = None,
    ) -> Host:
        """Add a host with an address such as "10.0.0.7/24"; by default the next one of that network.

        `link` is what befalls frames on its cable, each way (by default they take 50 µs); `sending` and `receiving`
        say it for one direction. `lend` makes the loop's own calls (`asyncio.start_server` and the like)
        those of this host; one host may. `settings` are TCP's for its connections (`fata.proto.tcp.settings`), such as
        the buffer and the congestion control; `caps` are of all of them together, with the time of TIME-WAIT.
        """
        from fata.stack.ipv4 import read_addressing
        from fata.wire.ipv4 import parse_address

        chosen = None if ipv4 is None else read_addressing(ipv4, gateway)
        number, mac = self._enter(name)
        addressing = chosen or read_addressing(f"10.0.0.{number}/24", gateway)
        boots = 0

        def plug_in() -> FaultyNet:
            nonlocal boots
            boots += 1
            return self._plug_in(f"{name} {boots}", mac, mtu, sending or link, receiving or link)

        options = {"lend": lend, "caps": caps} | ({} if settings is None else {"settings": settings})
        host = Host(name, self.seed, addressing, tuple(map(parse_address, dns)), plug_in, self._errors.append, options)
        self.hosts[name] = host
        self._in_loop(host.power_on)
        return host

    def card(
        self,
        name: str,
        *,
        link: Faults = LAN,
        sending: Faults | None = None,
        receiving: Faults | None = None,
        mtu: int = 1500,
    ) -> FaultyNet:
        """Add a bare card with its cable: for another stack, an attacker, a monitor."""
        _number, mac = self._enter(name)
        return self._plug_in(name, mac, mtu, sending or link, receiving or link)

    def _enter(self, name: str) -> tuple[int, bytes]:
        """Return number and MAC of a new card."""
        if name in self._cards:
            raise ConfigError(f"the simulation has a {name!r} already", remedy="Give it another name.")
        number = len(self._cards) + 1
        if number > MAX_CARDS:
            raise ConfigError(f"a simulation has at most {MAX_CARDS} cards")
        self._cards[name] = number
        mac = bytes((2, 0, 0, 0, 0, number))
        self._owners[mac] = name
        return number, mac

    def _plug_in(self, label: str, mac: bytes, mtu: int, sending: Faults, receiving: Faults) -> FaultyNet:
        port = self.switch.port(mac, mtu=mtu)
        seed = int.from_bytes(sha256(f"{self.seed} cable {label}".encode()).digest()[:8])
        return FaultyNet(
            port, self.poller, self.poller.schedule, seed=seed, sending=replace(sending), receiving=replace(receiving)
        )

    def _in_loop(self, action: Callable[[], None]) -> None:
        """Call what needs a running loop, whether it runs already or not."""

        async def call() -> None:
            action()

        loop = self._runner.get_loop()
        if loop.is_running():
            action()
        else:
            self._runner.run(call())

    # The network.

    def cut(self, one: Host | str, other: Host | str | None = None) -> None:
        """Let no frame pass between two hosts, or between one and all others, until `heal`."""
        self._cut |= self._pairs(one, other)

    def heal(self, one: Host | str | None = None, other: Host | str | None = None) -> None:
        """Undo `cut`: for two hosts, for one and all others, or for everybody."""
        if one is None:
            self._cut.clear()
        else:
            self._cut -= self._pairs(one, other)

    def _pairs(self, one: Host | str, other: Host | str | None) -> set[frozenset[str]]:
        names = [card if isinstance(card, str) else card.name for card in (one, other) if card is not None]
        for name in names:
            if name not in self._cards:
                raise ConfigError(f"the simulation has no {name!r}", remedy=f"It has {', '.join(self._cards)}.")
        others = self._cards if other is None else names[1:]
        return {frozenset((names[0], another)) for another in others if another != names[0]}

    def _passes(self, source: Port, destination: Port) -> bool:
        return not self._cut or frozenset((self._owners[source.mac], self._owners[destination.mac])) not in self._cut

    def observe(self, observer: Callable[[float, bytes], None]) -> None:
        """Have `observer` called with the moment and every frame that enters the switch."""
        self._observers.append(observer)

    def _observe(self, frame: bytes) -> None:
        now = self.now
        for observer in self._observers:
            observer(now, frame)

    def record(self, path: str) -> None:
        """Write every frame that enters the switch into a capture file, with virtual time."""
        capture = PcapFile(path)
        self._captures.append(capture)
        self.observe(lambda moment, frame: capture.write(moment, (frame,)))

    # The end.

    def close(self) -> None:
        """Cancel what still runs, and end. A second call does nothing."""
        self._runner.close()
        self._observers.clear()
        for capture in self._captures:
            capture.close()

    def __enter__(self) -> Simulation:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()
