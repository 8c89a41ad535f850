"""The switch in memory."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from fata.device.net import SentFrame
from fata.driver.net.switch import Port, Switch
from fata.driver.poller.virtual import VirtualPoller
from tests.conformance.net import FAR_MAC, NetContract, Rig

NEAR_MAC = bytes.fromhex("020000000001")


class FarPort:
    """Another port as the far end."""

    def __init__(self, port: Port) -> None:
        self.port = port

    def transmit(self, frame: bytes) -> None:
        self.port.send([SentFrame([frame])])

    def collect(self) -> list[bytes]:
        return [frame.data for frame in self.port.receive()]


class TestSwitch(NetContract):
    @pytest.fixture
    def rig(self) -> Iterator[Rig]:
        poller = VirtualPoller()
        switch = Switch(poller)
        far = FarPort(switch.port(FAR_MAC))
        yield Rig(switch.port(NEAR_MAC), far, poller)
        poller.close()
