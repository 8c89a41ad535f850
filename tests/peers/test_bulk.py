"""Bulk both ways between our stack and the kernel's, as `ss` and `nstat` see it from the kernel's side."""

from __future__ import annotations

import asyncio
import re
import sys
from dataclasses import replace

import pytest

from fata.stack.direct import DirectStack
from tests.peers.bulk import Checker, chunk
from tests.peers.cable import CABLES, OURS, Cable, one_backlog, run_on
from tests.programs import needs

pytestmark = [pytest.mark.root, pytest.mark.peer, needs("ss")]

PORT = 5001
OCTETS = 200_000_000


class Sink(asyncio.Protocol):
    """Compares what comes, says "!" when it has all."""

    def __init__(self, octets: int) -> None:
        self._octets = octets
        self._checker = Checker()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._checker.take(data)
        if self._checker.count == self._octets:
            self._transport.write(b"!")


class Source(asyncio.Protocol):
    """Sends the pattern as fast as the transport takes it."""

    def __init__(self, octets: int) -> None:
        self._octets = octets
        self._count = 0
        self._may = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._write()

    def pause_writing(self) -> None:
        self._may = False

    def resume_writing(self) -> None:
        self._may = True
        self._write()

    def _write(self) -> None:
        while self._may and self._count < self._octets:
            data = chunk(self._count, self._octets - self._count)
            self._count += len(data)
            self._transport.write(data)


async def transfer(cable: Cable, stack: DirectStack, direction: str, octets: int) -> str:
    """Have the kernel send or receive; return what `ss -ti` tells of the connection."""
    factory = Sink if direction == "send" else Source
    server = await stack.create_server(lambda: factory(octets), port=PORT)
    peer = cable.start(sys.executable, "-m", "tests.peers.bulk", direction, OURS, str(PORT), str(octets))
    assert peer.stdout is not None
    try:
        said = await asyncio.to_thread(peer.stdout.readline)
        assert said.startswith("done "), f"the peer has ended with {peer.wait(5)}"
        seen = (await cable.asking("ss", "-tionHO", "state", "established")).decode()
    finally:
        peer.kill()
        peer.communicate()
        server.close()
    return seen


@pytest.mark.parametrize("kind", CABLES)
@pytest.mark.parametrize("offload", [True, False], ids=["offload", "plain"])
@pytest.mark.parametrize("direction", ["send", "receive"])
def test_bulk_arrives_and_the_kernel_is_content(kind: str, offload: bool, direction: str) -> None:
    async def main(stack: DirectStack) -> None:
        tcp = stack.host.tcp
        tcp.settings = replace(tcp.settings, tail_probes=False)  # they are retransmissions on suspicion
        before = cable.counted()
        seen = await transfer(cable, stack, direction, OCTETS)
        assert {"ts", "sack"} <= set(seen.split())
        assert re.search(r" wscale:\d+,\d+ ", seen)
        assert " mss:1448 " in seen  # 1500 octets but for IP, TCP and timestamps
        assert "rcv_ooopack:" not in seen
        told = (int(number) for number in re.findall(r"bytes_(?:acked|received):(\d+)", seen))
        assert OCTETS <= max(told) <= OCTETS + 2  # the SYN and the FIN are counted
        after, counters = cable.counted(), stack.host.tcp.host.counters
        for name in ("TcpExtTCPSackRecovery", "TcpInErrs", "TcpExtTCPOFOQueue", "IpInHdrErrors"):
            assert after[name] == before[name], name
        assert (counters.recoveries, counters.resets_sent) == (0, 0)
        if kind == "tap" or one_backlog(cable.near):
            assert counters.out_of_order == 0
        assert stack.host.counters.bad_checksum == stack.host.counters.malformed == 0
        if after["TcpExtTCPTimeouts"] == counters.timeouts == 0:  # else this machine has stood still for 200 ms
            assert after["TcpRetransSegs"] == counters.retransmissions == 0

    with CABLES[kind](offload) as cable:
        cable.far.set_sysctl("ipv4/tcp_early_retrans", "0")  # no tail probes on this side either
        run_on(cable, main)
