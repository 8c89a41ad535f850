"""What is read out of a server's answer, and what a host does not put up with."""

from __future__ import annotations

from math import inf

import pytest

from fata.errors import WireError
from fata.proto.dhcp.lease import FUZZ, Lease, lease_of
from fata.wire import dhcp
from fata.wire.dhcp_options import INFINITE, Options, Route
from tests.proto.dhcp.server import ADDRESS, HOUR, MAC, OPTIONS, OTHER, SERVER


def of(options: Options = OPTIONS, address: bytes = ADDRESS, fuzz: float = 0.0) -> Lease:
    """Read an answer with these options, from a server that names itself."""
    named = options._replace(server_identifier=SERVER)
    return lease_of(dhcp.Message(dhcp.REPLY, 1, MAC, named, your_address=address), 100.0, fuzz)


def test_an_ordinary_lease() -> None:
    assert of() == Lease(
        ADDRESS,
        24,
        SERVER,
        renews=100 + HOUR * 0.5,
        rebinds=100 + HOUR * 0.875,
        expires=100 + HOUR,
        gateway=SERVER,
        dns=(SERVER, OTHER),
        domain="example.net",
    )


def test_chance_makes_times_come_earlier_but_for_the_end() -> None:
    early = of(fuzz=1.0)
    assert early.renews == 100 + HOUR * 0.5 * (1 - FUZZ)
    assert early.expires == 100 + HOUR


def test_everything_else_that_is_asked_for() -> None:
    granted = of(OPTIONS._replace(mtu=1400, ntp_servers=(OTHER,), host_name=b"www"))
    assert (granted.mtu, granted.ntp, granted.host_name) == (1400, (OTHER,), "www")


@pytest.mark.parametrize(("renews", "rebinds"), [(HOUR, 10), (10, HOUR + 1), (HOUR + 1, HOUR + 2), (0, 10_000_000)])
def test_times_that_contradict_each_other_are_replaced(renews: int, rebinds: int) -> None:
    granted = of(OPTIONS._replace(renewal_time=renews, rebinding_time=rebinds))
    assert (granted.renews, granted.rebinds) == (100 + HOUR * 0.5, 100 + HOUR * 0.875)


def test_for_ever() -> None:
    granted = of(OPTIONS._replace(lease_time=INFINITE, renewal_time=10))
    assert (granted.renews, granted.rebinds, granted.expires) == (inf, inf, inf)


def test_classless_routes_put_routers_out_of_force() -> None:
    routes = (
        Route(bytes(4), 0, SERVER),
        Route(b"\x0a\0\0\0", 8, OTHER),
        Route(b"\x0a\xe5\0\x81", 25, bytes(4)),
    )
    granted = of(OPTIONS._replace(classless_routes=routes, routers=(OTHER,)))
    assert granted.gateway == SERVER
    assert granted.routes == (
        Route(b"\x0a\0\0\0", 8, OTHER),
        Route(b"\x0a\xe5\0\x80", 25, bytes(4)),
    )
    assert of(OPTIONS._replace(classless_routes=())).gateway is None


@pytest.mark.parametrize(("address", "prefix"), [("0a000017", 8), ("ac100001", 16), ("c0a80001", 24), ("7e000001", 8)])
def test_without_a_mask_the_classes_count(address: str, prefix: int) -> None:
    assert of(OPTIONS._replace(subnet_mask=None), bytes.fromhex(address)).prefix == prefix


@pytest.mark.parametrize("mask", ["ffffff01", "00ffffff", "00000000"])
def test_masks_that_are_none_make_no_lease(mask: str) -> None:
    with pytest.raises(WireError):
        of(OPTIONS._replace(subnet_mask=bytes.fromhex(mask)))


@pytest.mark.parametrize("address", ["00000000", "7f000001", "e0000001", "ffffffff", "0a0000ff", "0a000000"])
def test_addresses_of_no_host_make_no_lease(address: str) -> None:
    with pytest.raises(WireError, match="no host's address"):
        of(OPTIONS, bytes.fromhex(address))


def test_a_point_to_point_link_and_a_cloud_with_one_address_are_fine() -> None:
    assert of(OPTIONS._replace(subnet_mask=b"\xff\xff\xff\xff")).prefix == 32
    assert of(OPTIONS._replace(subnet_mask=b"\xff\xff\xff\xfe"), b"\x0a\0\0\0").prefix == 31


def test_what_every_server_says_must_be_there() -> None:
    with pytest.raises(WireError, match="None seconds"):
        of(OPTIONS._replace(lease_time=None))
    with pytest.raises(WireError, match="server None"):
        lease_of(dhcp.Message(dhcp.REPLY, 1, MAC, OPTIONS, your_address=ADDRESS), 100.0, 0.0)


@pytest.mark.parametrize("time", [0, 1, 29])
def test_a_lease_too_short_to_live_with_is_none(time: int) -> None:
    with pytest.raises(WireError, match=f"{time} seconds"):
        of(OPTIONS._replace(lease_time=time))


@pytest.mark.parametrize("name", [b"a\nb", b"a b", b"\x1b[2J", "ü".encode(), b"a\0b"])
def test_names_that_are_none_are_left_out(name: bytes) -> None:
    assert of(OPTIONS._replace(domain_name=name)).domain == ""
