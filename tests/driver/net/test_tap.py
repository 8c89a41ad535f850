"""TAP, with the kernel at the other end."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Iterator

import pytest

from fata.device.net import RawForm, ReceivedFrame, Segmentation, SentFrame
from fata.device.poller import Poller
from fata.driver.net.interface import driver_of
from fata.driver.net.packet import Packet
from fata.driver.net.tap import Tap
from fata.errors import StateError, Unavailable
from tests.conformance.net import NetContract, Rig, frame_of
from tests.conformance.net_offload import TYPES, NetOffloadContract, OffloadRig
from tests.conformance.net_raw import NetRawContract
from tests.driver.net.interfaces import assert_others_may_not, assert_removal_is_told_once
from tests.driver.net.raw_socket import RawSocket
from tests.network_namespace import Namespace, namespace

pytestmark = pytest.mark.root

NAME = "tap0"


@pytest.fixture
def space() -> Iterator[Namespace]:
    with namespace() as made:
        made.ip(f"tuntap add {NAME} mode tap")
        made.ip(f"link set {NAME} up")
        yield made


def open_tap(space: Namespace, poller: Poller, offload: bool = True, mac: bytes | None = None) -> Tap:
    with space.entered():
        made = Tap(poller, NAME, offload=offload, mac=mac)
    space.await_carrier(NAME)
    return made


@pytest.fixture
def tap(space: Namespace, poller: Poller) -> Iterator[Tap]:
    made = open_tap(space, poller)
    yield made
    asyncio.run(made.close())


@pytest.mark.parametrize("offload", [True, False], ids=["offload", "plain"])
class TestTap(NetContract):
    @pytest.fixture
    def rig(self, space: Namespace, poller: Poller, offload: bool) -> Iterator[Rig]:
        tap = open_tap(space, poller, offload)
        with space.entered():
            far = RawSocket(NAME)
        yield Rig(tap, far, poller)
        far.close()
        asyncio.run(tap.close())


class TestTapOffload(NetOffloadContract):
    """The wire is a veth without offloads behind a bridge: the kernel must finish there what we left to it."""

    @pytest.fixture
    def rig(self, space: Namespace, poller: Poller) -> Iterator[OffloadRig]:
        space.ip("link add bridge0 type bridge")
        space.add_veth("inner", "outer")
        space.stop_offloads("inner")
        for port in (NAME, "inner"):
            space.ip(f"link set {port} master bridge0")
        space.ip("link set bridge0 up")
        tap = open_tap(space, poller)
        space.await_forwarding(NAME, "inner")
        with space.entered():
            wire = RawSocket("outer", *TYPES.values())
            source = Packet(poller, "outer")
        yield OffloadRig(tap, wire, source, poller)
        wire.close()
        for net in (tap, source):
            asyncio.run(net.close())


class TestTapRaw(NetRawContract):
    rig = TestTapOffload.rig


def test_without_offload_raw_frames_have_no_header(space: Namespace, poller: Poller) -> None:
    tap = open_tap(space, poller, offload=False)
    assert tap.raw == RawForm(0, None)
    assert tap.interpret(b"x" * 60) == ReceivedFrame(b"x" * 60)
    asyncio.run(tap.close())


def test_offloads_are_claimed_as_asked_for(space: Namespace, poller: Poller) -> None:
    plain = open_tap(space, poller, offload=False)
    assert not any(plain.capabilities)
    asyncio.run(plain.close())
    tap = open_tap(space, poller)
    assert tap.capabilities.send_segmentation == {Segmentation.TCP4, Segmentation.TCP6}
    assert tap.capabilities.receive_segmentation
    asyncio.run(tap.close())


def test_our_address_is_local_and_stays(space: Namespace, poller: Poller, tap: Tap) -> None:
    first = tap.mac
    asyncio.run(tap.close())
    again = open_tap(space, poller)
    assert again.mac == first
    assert first[0] & 3 == 2
    assert first.hex(":") not in space.ip(f"link show {NAME}")
    asyncio.run(again.close())


def test_an_address_may_be_given(space: Namespace, poller: Poller) -> None:
    given = bytes.fromhex("0200deadbeef")
    tap = open_tap(space, poller, mac=given)
    assert tap.mac == given
    asyncio.run(tap.close())
    for wrong in (b"short", bytes(6), b"\xff" * 6):
        with pytest.raises(Unavailable, match="no address of a card"):
            open_tap(space, poller, mac=wrong)


def test_the_mtu_is_the_interfaces(space: Namespace, poller: Poller) -> None:
    space.ip(f"link set {NAME} mtu 9000")
    tap = open_tap(space, poller)
    assert tap.mtu == 9000
    asyncio.run(tap.close())


@pytest.mark.parametrize(
    ("preparation", "reason"),
    [
        (f"link del {NAME}", f"{NAME}: no such interface\n  ip tuntap add {NAME} mode tap"),
        (f"link set {NAME} down", f"{NAME}: the interface is down\n  ip link set {NAME} up"),
        (f"link set {NAME} mtu 500", f"{NAME}: an MTU of 500 octets"),
    ],
)
def test_what_is_missing_is_told_with_its_remedy(
    space: Namespace, poller: Poller, preparation: str, reason: str
) -> None:
    space.ip(preparation)
    with pytest.raises(Unavailable) as caught:
        open_tap(space, poller)
    assert str(caught.value).startswith(reason)


def test_an_interface_of_another_kind_is_told(space: Namespace, poller: Poller) -> None:
    space.ip(f"link del {NAME}")
    space.ip(f"link add {NAME} type veth peer name other")
    space.ip(f"link set {NAME} up")
    with pytest.raises(Unavailable, match="no TAP interface"):
        open_tap(space, poller)
    with space.entered(), pytest.raises(Unavailable, match="no Ethernet"):
        Tap(poller, "lo")


def test_the_driver_is_known_in_a_namespace_that_sys_does_not_show(space: Namespace) -> None:
    space.ip("link add v0 type veth peer name v1")
    with space.entered():
        assert [driver_of(name) for name in (NAME, "v0", "none", "")] == ["tun", "veth", None, None]


@pytest.mark.parametrize("name", ["", "a/b", "sixteen-octets-x", "a\0b", "tap%d"])
def test_a_name_that_none_can_have_makes_no_interface(space: Namespace, poller: Poller, name: str) -> None:
    with space.entered(), pytest.raises(Unavailable):
        Tap(poller, name)
    assert space.ip("-br link").count("\n") == 2


def test_one_program_has_it(space: Namespace, poller: Poller, tap: Tap) -> None:
    with pytest.raises(Unavailable, match="another program has it open"):
        open_tap(space, poller)


def test_another_user_may_not_open_it(space: Namespace, poller: Poller) -> None:
    assert_others_may_not(space, lambda: Tap(poller, NAME), "user")


def test_opened_without_offloads_after_with_them(space: Namespace, poller: Poller, tap: Tap) -> None:
    """The interface remembers its last user's offloads: a plain one must switch them off."""
    asyncio.run(tap.close())
    plain = open_tap(space, poller, offload=False)
    with space.entered():
        far = RawSocket(NAME)
    rig = Rig(plain, far, poller)
    far.transmit(frame_of(rig, 1, inwards=True))
    assert [frame.data for frame in plain.receive()] == [frame_of(rig, 1, inwards=True)]
    far.close()
    asyncio.run(plain.close())


def test_what_is_sent_while_it_is_down_is_lost_and_counted(space: Namespace, poller: Poller, tap: Tap) -> None:
    with space.entered():
        far = RawSocket(NAME)
    rig = Rig(tap, far, poller)
    space.ip(f"link set {NAME} down")
    assert tap.send([SentFrame([frame_of(rig, 1)])]) == 1
    assert tap.counters.not_taken == 1
    assert tap.receive() == []
    space.ip(f"link set {NAME} up")
    assert tap.send([SentFrame([frame_of(rig, 2)])]) == 1
    assert tap.counters.not_taken == 1
    far.close()


def test_removed_while_open_it_says_so_once(space: Namespace, poller: Poller, tap: Tap) -> None:
    assert_removal_is_told_once(space, poller, tap, NAME)


def test_a_frame_that_the_kernel_refuses_is_a_mistake(tap: Tap) -> None:
    headers = bytes(12) + b"\x08\x00" + struct.pack("!B", 0x45) + bytes(39)
    frame = SentFrame([headers, bytes(2000)], 34, 16, Segmentation.TCP4, 1000, 54)
    assert tap.send([frame]) == 1
    with pytest.raises(StateError):
        tap.send([frame._replace(segment_size=1461)])
