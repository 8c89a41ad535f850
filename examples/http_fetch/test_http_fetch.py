"""`fata run examples/http_fetch`, on the host's sockets and on our stack over TAP."""

from __future__ import annotations

from pathlib import Path

import pytest

from examples.http_fetch.app import HttpFetch
from fata.driver.boot_files.given import GivenFiles
from fata.driver.console.memory import MemoryConsole
from fata.driver.stack.host import HostStack
from fata.errors import Unavailable
from tests.certificates import Certificate, self_signed
from tests.fata_command import fata_run
from tests.kernel_http import PAGE, serving
from tests.peers.cable import KERNELS, tap
from tests.peers.dnsmasq import dnsmasq
from tests.programs import needs

FOLDER = Path(__file__).parent


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return self_signed(tmp_path_factory.mktemp("certificate"), "www.test", "127.0.0.1")


def test_a_page_over_http() -> None:
    with serving("127.0.0.1") as port:
        done = fata_run(FOLDER, "--url", f"http://127.0.0.1:{port}/")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"200\n{PAGE}", "")


@pytest.mark.slow
@needs("openssl")
def test_a_page_over_https_from_whom_we_trust_and_from_nobody_else(certificate: Certificate) -> None:
    with serving("127.0.0.1", certificate) as port:
        url = f"https://127.0.0.1:{port}/elsewhere"
        done = fata_run(FOLDER, "--url", url, "--file", f"ca.pem={certificate.chain}")
        refused = fata_run(FOLDER, "--url", url)
        other_name = fata_run(
            FOLDER, "--url", url.replace("127.0.0.1", "localhost"), "--file", f"ca.pem={certificate.chain}"
        )
    assert (done.returncode, done.stdout, done.stderr) == (0, "404\nnothing here\n", "")
    assert refused.returncode == other_name.returncode == 2
    assert "127.0.0.1: self-signed certificate" in refused.stderr
    assert "Hostname mismatch" in other_name.stderr


class UnsetClock:
    def wall(self) -> float | None:
        return None


async def fetch(console: MemoryConsole) -> None:
    await HttpFetch(HostStack(), console, UnsetClock(), GivenFiles(), url="https://127.0.0.1/").run()


def test_without_the_date_nobody_is_trusted(console: MemoryConsole) -> None:
    import asyncio

    with pytest.raises(Unavailable, match="no certificate can be verified"):
        asyncio.run(fetch(console))


def test_what_is_no_url_and_who_is_not_there_are_told() -> None:
    assert "is no URL" in fata_run(FOLDER, "--url", "127.0.0.1").stderr
    done = fata_run(FOLDER, "--url", "http://127.0.0.1:1/")
    assert done.returncode == 2
    assert "127.0.0.1:1: " in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.root
@pytest.mark.peer
@needs("dnsmasq")
@needs("openssl")
def test_on_our_stack_by_name(certificate: Certificate, tmp_path: Path) -> None:
    with (
        tap() as cable,
        dnsmasq(cable, tmp_path, f"--address=/www.test/{KERNELS}"),
        cable.near.entered(),
        serving(KERNELS, certificate) as port,
    ):
        words = ("--file", f"ca.pem={certificate.chain}", "--dns", KERNELS, *cable.words)
        done = fata_run(FOLDER, "--url", f"https://www.test:{port}/", *words)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"200\n{PAGE}", "")
