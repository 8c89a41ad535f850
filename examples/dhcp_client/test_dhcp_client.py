"""`fata run examples/dhcp_client`: the lease of a dnsmasq over TAP."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.fata_command import fata_run
from tests.peers.cable import KERNELS, tap
from tests.peers.dnsmasq import dnsmasq
from tests.programs import needs

FOLDER = Path(__file__).parent
INTERFACE = ("--interface", "t0")
RANGE = "--dhcp-range=10.99.0.50,10.99.0.60,255.255.255.0"
TOLD = (
    r"address: 10\.99\.0\.(5\d|60)/24\nrouter: 10\.99\.0\.1\nname servers: 10\.99\.0\.1 192\.0\.2\.53\n"
    r"domain: example\.test\nserver: 10\.99\.0\.1\n"
)
AN_HOUR = r"renews in: 1(7\d\d|800) s\nrebinds in: 3(0\d\d|1[0-5]\d) s\nexpires in: 3(59\d|600) s\n"


@pytest.mark.root
@pytest.mark.peer
@needs("dnsmasq")
@pytest.mark.parametrize(("time", "times"), [("1h", AN_HOUR), ("infinite", "renews in: never\n.*expires in: never\n")])
def test_the_lease_is_what_dnsmasq_gives(tmp_path: Path, time: str, times: str) -> None:
    words = (f"{RANGE},{time}", f"--dhcp-option=option:dns-server,{KERNELS},192.0.2.53", "--domain=example.test")
    with tap() as cable, dnsmasq(cable, tmp_path, *words), cable.near.entered():
        done = fata_run(FOLDER, "--dhcp", *INTERFACE)
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(TOLD + times, done.stdout, re.DOTALL), done.stdout


@pytest.mark.root
def test_an_address_that_was_given_is_no_lease() -> None:
    with tap() as cable, cable.near.entered():
        done = fata_run(FOLDER, "--ipv4", "10.99.0.2/24", *INTERFACE)
    assert done.returncode == 2
    assert "the address was given, not leased" in done.stderr
    assert "--dhcp" in done.stderr
    assert "Traceback" not in done.stderr
