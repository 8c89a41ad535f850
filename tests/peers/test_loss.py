"""Loss for real: the injector around the TAP loses and reorders frames both ways, and both stacks recover.

The figures are published in docs/guides/network.md.
"""

from __future__ import annotations

from typing import Any

import pytest

from fata.device.net import Net
from fata.device.poller import Poller
from fata.driver.net.faults import FaultyNet
from fata.driver.net.line import Faults
from fata.stack.direct import DirectStack
from tests.peers.cable import run_on, tap
from tests.peers.test_bulk import transfer
from tests.programs import needs

pytestmark = [pytest.mark.root, pytest.mark.peer, needs("ss")]

FAULTS = Faults(loss=0.05, reorder=0.05, reorder_delay=0.002)
OCTETS = 20_000_000
FLOOR = 0.8e6  # octets a second: what is published. Timeouts of 200 ms and more take most of the time, not the machine


def wrap(net: Net, poller: Poller, loop: Any) -> FaultyNet:
    return FaultyNet(net, poller, loop.call_at, seed=1, sending=FAULTS, receiving=FAULTS)


@pytest.mark.parametrize("direction", ["send", "receive"])
def test_twenty_megabytes_through_loss_and_reordering(direction: str) -> None:
    """Whether all octets arrive and are equal is what `transfer` checks."""

    async def main(stack: DirectStack) -> None:
        clock = stack.host.loop.time
        before, begin = cable.counted(), clock()
        seen = await transfer(cable, stack, direction, OCTETS)
        goodput = OCTETS / (clock() - begin)
        after, counters, card = cable.counted(), stack.host.tcp.host.counters, stack.host.interface.net
        assert isinstance(card, FaultyNet)
        assert min(card.sending.counters.lost, card.receiving.counters.lost) > 100
        if direction == "send":
            assert after["TcpExtTCPSackRecovery"] > before["TcpExtTCPSackRecovery"] + 10
            assert " reord_seen:" in seen
            assert counters.out_of_order > 1000
        else:
            assert counters.sack_recoveries > 10
            assert counters.retransmissions > 500
            assert after["TcpExtTCPOFOQueue"] > before["TcpExtTCPOFOQueue"] + 1000
        assert counters.resets_sent == counters.dropped_buffered == 0
        assert goodput >= FLOOR, f"{goodput / 1e6:.1f} MB/s\n{seen}"

    with tap() as cable:
        cable.far.set_sysctl("ipv4/tcp_congestion_control", "cubic")
        run_on(cable, main, wrap)
