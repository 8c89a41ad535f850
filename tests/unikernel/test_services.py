"""The small examples as unikernels: echo over TCP and UDP, a page fetched over TLS, a site served over TLS."""

from __future__ import annotations

import hashlib
import socket
import subprocess
from pathlib import Path

import pytest

from fata.target.virtio.machine import Machine
from fata.target.virtio.qemu import command as qemu
from tests.certificates import Authority
from tests.http.command import curl
from tests.kernel_http import PAGE, serving
from tests.programs import needs, needs_runtime
from tests.unikernel.guest import EXAMPLES, Unikernel, build, command

MACHINES = pytest.mark.parametrize("machine", ["microvm", "q35"])
HOST = "10.0.2.2"  # the host, as QEMU's network shows it
OCTETS = b"".join(hashlib.sha256(b"%d" % number).digest() for number in range(20_000))
SITE = EXAMPLES / "www" / "htdocs"

pytestmark = [pytest.mark.qemu, needs("qemu-system-x86_64"), needs("openssl"), needs_runtime()]


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@MACHINES
def test_echo_over_tcp(machine: str) -> None:
    with (
        Unikernel(EXAMPLES / "echo_tcp", machine, ports=("7",)) as guest,
        socket.create_connection(("127.0.0.1", guest.port("7")), timeout=30) as connection,
    ):
        heard = bytearray()
        for start in range(0, len(OCTETS), 40_000):
            connection.sendall(OCTETS[start : start + 40_000])
            while len(heard) < min(start + 40_000, len(OCTETS)):
                heard += connection.recv(65536)
        assert heard == OCTETS


@MACHINES
def test_echo_over_udp(machine: str) -> None:
    with (
        Unikernel(EXAMPLES / "echo_udp", machine, ports=("7/udp",)) as guest,
        socket.socket(type=socket.SOCK_DGRAM) as plug,
    ):
        plug.settimeout(10)
        plug.connect(("127.0.0.1", guest.port("7/udp")))
        for size in (0, 1, 100, 1472):
            plug.send(OCTETS[:size])
            assert plug.recv(65536) == OCTETS[:size]


def fetch(machine: str, *words: str) -> tuple[int, str]:
    """Run http_fetch; return its status and what it has said."""
    words = ("--nic", "user", "--logs", "warning", *words)
    done = subprocess.run(command(EXAMPLES / "http_fetch", machine, *words), capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout


@MACHINES
def test_a_page_is_fetched_over_tls_from_whom_we_trust(machine: str, authority: Authority) -> None:
    trust = ("--file", f"ca.pem={authority.certificate}")
    with serving("127.0.0.1", authority.issue("www.test", HOST)) as port:
        assert fetch(machine, "--url", f"https://{HOST}:{port}/", *trust) == (0, f"200\n{PAGE}")


def test_nobody_else_is_trusted(authority: Authority, tmp_path: Path) -> None:
    with serving("127.0.0.1", authority.issue("www.test", "192.0.2.1")) as port:
        trust = ("--file", f"ca.pem={authority.certificate}")
        status, said = fetch("microvm", "--url", f"https://{HOST}:{port}/", *trust)
        assert (status, "IP address mismatch" in said) == (2, True), said
        stranger = Authority(tmp_path).certificate
        status, said = fetch("microvm", "--url", f"https://{HOST}:{port}/", "--file", f"ca.pem={stranger}")
        assert (status, "unable to get local issuer certificate" in said) == (2, True), said


def test_a_machine_that_does_not_know_the_date_trusts_nobody() -> None:
    machine = Machine(nics=("user",))
    words = qemu(machine, "tcg", build(EXAMPLES / "http_fetch"), f"--url https://{HOST}/ --logs warning")
    assert words[2].startswith("microvm,rtc=on,")
    words[2] = words[2].replace("rtc=on", "rtc=off")
    done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False)
    assert "the clock is not set, so no certificate can be verified" in done.stdout


@needs("curl")
@MACHINES
def test_a_site_over_tls_with_a_key_that_is_in_no_image(machine: str, authority: Authority) -> None:
    made = authority.issue("site.test", "127.0.0.1")
    files = ("--file", f"certificate.pem={made.chain}", "--file", f"key.pem={made.key}")
    with Unikernel(EXAMPLES / "https", machine, *files, ports=("443",)) as guest:
        url = f"https://127.0.0.1:{guest.port('443')}"
        trust = ("--cacert", str(authority.certificate), "--tlsv1.3")
        for name in ("index.html", "large.bin"):
            assert curl(*trust, f"{url}/{name}") == (SITE / name).read_bytes()
        said = curl(*trust, "-o", "/dev/null", "-w", "%{ssl_verify_result} %{http_code}", f"{url}/[1-5]")
        assert said == b"0 404" * 5
        with pytest.raises(AssertionError, match=r"curl: \(60\)"):
            curl(f"{url}/")
    image = EXAMPLES / "https" / "build" / "virtio" / "https.elf"
    assert made.key.read_bytes().splitlines()[1] not in image.read_bytes()


@needs("curl")
def test_without_its_key_it_says_what_to_give() -> None:
    done = subprocess.run(
        command(EXAMPLES / "https", "microvm", "--nic", "user"), capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, "Give it: --file certificate.pem=PATH" in done.stdout) == (2, True), done.stdout
