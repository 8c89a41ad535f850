"""dnsmasq as DHCP and DNS server: `fata run … --dhcp` gets an address, a router and a name server from it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.fata_command import fata_run
from tests.peers.cable import KERNELS, tap
from tests.peers.dnsmasq import dnsmasq
from tests.programs import needs

pytestmark = [pytest.mark.root, pytest.mark.peer, needs("dnsmasq")]

PING = Path(__file__).parents[2] / "examples" / "ping"
WORDS = ("--net", "direct", "--interface", "t0", "--dhcp")


def test_the_lease_and_the_names_come_from_dnsmasq(tmp_path: Path) -> None:
    words = ("--dhcp-range=10.99.0.50,10.99.0.60,255.255.255.0,1h", f"--address=/router.test/{KERNELS}")
    with tap() as cable, dnsmasq(cable, tmp_path, *words), cable.near.entered():
        done = fata_run(PING, "--host", "router.test", "--count", "2", "--interval", "0.01", *WORDS)
        leases = (tmp_path / "leases").read_text(encoding="ascii")
        log = (tmp_path / "log").read_text(encoding="utf-8")
    assert done.returncode == 0
    assert re.search(r"dhcp: address 10\.99\.0\.\d+/24, router 10\.99\.0\.1, name servers 10\.99\.0\.1", done.stderr)
    assert "2 sent, 2 received: " in done.stdout
    assert re.search(r"DHCPACK\(t0\) 10\.99\.0\.5\d|DHCPACK\(t0\) 10\.99\.0\.60", log)
    given = re.search(r"DHCPACK\(t0\) (\S+) (\S+)", log)
    assert given is not None
    # It is given back at the end, or stands in the list under our MAC.
    assert f"DHCPRELEASE(t0) {given[1]}" in log or f"{given[2]} {given[1]}" in leases
