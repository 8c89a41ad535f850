"""virtio-net over a card in Python."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import pytest

from fata.device.net import SentFrame
from fata.device.poller import Software
from fata.driver.net.switch import Port, Switch
from fata.driver.net.tap import OFFLOADS
from fata.driver.poller.virtual import VirtualPoller
from fata.driver.virtio import net
from fata.driver.virtio.mmio import Mmio
from fata.driver.virtio.net import VirtioNet
from fata.driver.virtio.session import EVENT_IDX
from tests.conformance.net import FAR_MAC, NetContract, Rig
from tests.conformance.net_offload import NetOffloadContract, OffloadRig
from tests.driver.virtio.model import ModelMemory
from tests.driver.virtio.model_net import ModelNet

MAC = bytes.fromhex("020000000001")
SOURCE_MAC = bytes.fromhex("020000000002")
EVENT_BIT = EVENT_IDX.bit_length() - 1
BITS = [EVENT_BIT, net.CSUM, net.GUEST_CSUM, net.MTU, net.MAC, net.GUEST_TSO4, net.GUEST_TSO6]
BITS += [net.HOST_TSO4, net.HOST_TSO6, net.MRG_RXBUF]


class FarPort:
    """Another port of the switch as the far end."""

    def __init__(self, port: Port) -> None:
        self.port = port

    def transmit(self, frame: bytes) -> None:
        self.port.send([SentFrame([frame])])

    def collect(self) -> list[bytes]:
        return [frame.data for frame in self.port.receive()]


class Bench(NamedTuple):
    """A driver, its card, and the switch behind it."""

    net: VirtioNet
    card: ModelNet
    far: FarPort
    switch: Switch
    poller: VirtualPoller


def bench(*, masked: int = 0, mtu: int = 1500, limit: int = 256) -> Bench:
    """Make them; `masked` are features that the card does not offer."""
    poller = VirtualPoller()
    switch = Switch(poller)
    far = FarPort(switch.port(FAR_MAC, mtu=mtu))
    line = Software("the card's interrupt")
    memory = ModelMemory()
    card = ModelNet(memory, lambda: poller.wake(line), switch, MAC, masked=masked, mtu=mtu, limit=limit)
    return Bench(VirtioNet(Mmio("card", card), memory, poller, line), card, far, switch, poller)


class TestVirtioNet(NetContract):
    @pytest.fixture(params=[None, *BITS])
    def rig(self, request: pytest.FixtureRequest) -> Iterator[Rig]:
        """Every feature is off in turn."""
        made = bench(masked=0 if request.param is None else 1 << request.param)
        yield Rig(made.net, made.far, made.poller)
        made.poller.close()


class TestVirtioNetWithoutAnything(NetContract):
    @pytest.fixture
    def rig(self) -> Iterator[Rig]:
        made = bench(masked=net.WANTED | EVENT_IDX, limit=4)
        yield Rig(made.net, made.far, made.poller)
        made.poller.close()


class TestVirtioNetOffload(NetOffloadContract):
    @pytest.fixture
    def rig(self) -> Iterator[OffloadRig]:
        made = bench()
        source = made.switch.port(SOURCE_MAC, capabilities=OFFLOADS)
        yield OffloadRig(made.net, made.far, source, made.poller)
        made.poller.close()
