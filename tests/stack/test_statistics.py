"""`--stats`: live connections, their round trip, window and retransmissions, and drops by reason."""

from __future__ import annotations

import asyncio
import io
import re
from dataclasses import fields
from typing import Any

import pytest

from fata.driver.net.line import Faults
from fata.driver.net.pcap import PcapFile, PcapNet
from fata.runtime.statistics import ELSEWHERE, ON_TERMINAL, Display
from fata.sim.host import Host
from fata.sim.network import Simulation
from fata.stack.statistics import DROPS, MOST_CONNECTIONS, _groups, report
from fata.wire import tcp
from tests.conformance.stack_peers import Accepting, Peer
from tests.sim.stranger import Stranger


def lines(host: Host, seconds: float = 10.0) -> list[str]:
    return report(host.stack.host, seconds).splitlines()


def test_a_host_that_has_done_nothing(sim: Simulation) -> None:
    host = sim.host("host")

    async def main() -> None:
        first, second, *_ = lines(host, 0.0)
        assert first == "network 10.0.0.1 after 0 s: 0 frames received (0.0 Mbit/s), 1 sent"  # ARP
        assert second == "0 TCP connections, 0 in TIME-WAIT, 0 listening"

    sim.run(main())


def test_a_connection_in_the_middle_of_its_work(sim: Simulation) -> None:
    link = Faults(delay=0.01, rate=20e6)
    server, client = sim.host("server"), sim.host("client", link=link)

    async def main() -> None:
        accepting = Accepting()
        await server.stack.create_server(accepting, port=80)
        transport, _ = await client.stack.create_connection(Peer, server.address, 80)
        peer = await accepting.accepted.get()
        transport.write(bytes(100_000))
        await asyncio.sleep(1)
        client.sending = Faults(loss=1.0)
        transport.write(bytes(5_000))
        await asyncio.sleep(1)
        (row,) = [line for line in lines(client) if f"{server.address}:80" in line]
        local, remote, state, rtt, cwnd, flight, queued, resent = row.split()
        assert (remote, state) == ("10.0.0.1:80", "ESTABLISHED")
        assert re.fullmatch(r"10\.0\.0\.2:\d+", local)
        assert 20 <= float(rtt) < 80
        assert int(cwnd) == 1460  # timed out
        assert (int(flight), int(queued)) == (5000, 5000)
        assert int(resent) >= 3
        heading = next(line for line in lines(client) if "rtt ms" in line)
        assert len(heading) == len(row)
        assert "1 TCP connections, 0 in TIME-WAIT, 1 listening" in lines(server)
        assert any(re.match(r"tcp: opened 1, .*retransmissions \d+, timeouts \d+", line) for line in lines(client))
        client.sending = link
        await asyncio.sleep(5)
        peer.transport.close()
        transport.close()
        await asyncio.sleep(10)
        assert "0 TCP connections, 1 in TIME-WAIT, 1 listening" in lines(server)

    sim.run(main())


def test_the_busiest_connections_come_first_and_there_is_an_end(sim: Simulation) -> None:
    server, client = sim.host("server"), sim.host("client")

    async def main() -> None:
        await server.stack.create_server(Accepting(), port=80)
        transports = [(await client.stack.create_connection(Peer, server.address, 80))[0] for _ in range(25)]
        client.sending = Faults(loss=1.0)
        for number, transport in enumerate(transports):
            transport.write(bytes(100 * (number + 1)))
        await asyncio.sleep(0.01)
        rows = [line.split() for line in lines(client) if "ESTABLISHED" in line]
        assert [int(row[6]) for row in rows] == [100 * number for number in range(25, 25 - MOST_CONNECTIONS, -1)]
        assert "… and 5 more" in lines(client)
        for transport in transports:
            transport.abort()

    sim.run(main())


def test_drops_are_told_by_their_reasons(sim: Simulation) -> None:
    host = sim.host("host")
    stranger = Stranger(sim, host)

    async def main() -> None:
        syn = stranger.segment(b"\x0a\0\0\x63", tcp.Segment(5000, 7, 1, 0, tcp.SYN, 1000))
        stranger.say(syn[:40] + bytes((syn[40] ^ 1,)) + syn[41:])
        stranger.say(syn[:14])
        stranger.say(stranger.packet(b"\x0a\0\0\x63", 99, b"what?"))
        stranger.say(stranger.segment(b"\xe0\0\0\x01", tcp.Segment(5000, 7, 1, 0, tcp.SYN, 1000)))
        await asyncio.sleep(0.01)
        (dropped,) = [line for line in lines(host) if line.startswith("dropped")]
        assert dropped == "dropped – frames: malformed 1, bad checksum 1, for others 1, unknown protocol 1"

    sim.run(main())


def test_every_counter_of_a_drop_is_a_counter(sim: Simulation) -> None:
    host = sim.host("host")

    async def main() -> None:
        known: dict[str, set[str]] = {
            name: {each.name for each in fields(what)} for name, what in _groups(host.stack.host)
        }
        known["card"] = {"not_taken", "malformed"}
        for name, reasons in DROPS.items():
            assert set(reasons) <= known[name], name

    sim.run(main())


def test_a_recorded_cards_drops_are_told_too(sim: Simulation) -> None:
    host = sim.host("host")

    async def main() -> None:
        from fata.driver.net.descriptor import Counters

        inner: Any = host.stack.host.interface.net
        inner.counters = Counters(not_taken=3)
        clock: Any = None
        capture = PcapFile("/dev/null")
        host.stack.host.interface.net = PcapNet(inner, capture, clock)
        assert "dropped – card: not taken 3" in lines(host)
        host.stack.host.interface.net = inner
        capture.close()

    sim.run(main())


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("stream", "interval"), [(io.StringIO, ELSEWHERE), (Terminal, ON_TERMINAL)])
def test_it_is_shown_again_and_again_and_at_the_end(
    sim: Simulation, stream: type[io.StringIO], interval: float
) -> None:
    async def main() -> None:
        out = stream()
        display = Display(lambda seconds: f"after {seconds:.0f}\nline", out)
        await asyncio.sleep(interval * 2.5)
        display.close()
        await asyncio.sleep(interval * 5)
        shown = re.sub(r"\x1b\[[0-9]*[A-Z]", "", out.getvalue()).replace("\r", "").splitlines()
        shown = [line for line in shown if not line.startswith("memory:")]
        assert shown == [word for at in (1, 2, 2.5) for word in (f"after {at * interval:.0f}", "line")]
        assert ("\x1b" in out.getvalue()) == out.isatty()

    sim.host("host")
    sim.run(main())


def test_nobody_looks_any_more(sim: Simulation) -> None:
    class Broken(io.StringIO):
        def write(self, _text: str) -> int:
            raise BrokenPipeError

    async def main() -> None:
        display = Display(lambda _: "text", Broken())
        await asyncio.sleep(ELSEWHERE * 2)
        display.close()

    sim.host("host")
    sim.run(main())
