"""`fata run examples/www --net direct` over TAP and over a veth pair, asked by curl, ping and wrk."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from examples.www import make_large_file
from tests.http.command import Running
from tests.peers.cable import CABLES, KERNELS, OURS, Cable
from tests.programs import needs

pytestmark = [pytest.mark.root, pytest.mark.peer, needs("curl"), needs("ping"), needs("wrk")]

FOLDER = Path(__file__).parents[2] / "examples" / "www"
SITE = FOLDER / "htdocs"
URL = f"http://{OURS}"
MAX_ECHO = 65507  # octets of payload, in 45 fragments: the most that IPv4 has room for


@pytest.fixture(scope="module", params=CABLES)
def cable(request: pytest.FixtureRequest) -> Iterator[Cable]:
    make_large_file.main()
    with CABLES[request.param]() as laid:
        yield laid


@pytest.fixture(scope="module", autouse=True)
def www(cable: Cable) -> Iterator[Running]:
    with ExitStack() as stack:
        with cable.near.entered():
            running = stack.enter_context(
                Running(FOLDER, *cable.words, "--ipv4-gateway", KERNELS, address=OURS, port=80)
            )
        cable.far.await_carrier(cable.far_interface)
        yield running
    assert "Traceback" not in running.output


def curl(cable: Cable, *words: str) -> bytes:
    return cable.run("curl", "-sS", "--max-time", "20", *words)


def test_every_file_arrives_octet_for_octet(cable: Cable) -> None:
    files = [path for path in SITE.rglob("*") if path.is_file()]
    assert len(files) >= 8
    for path in files:
        assert curl(cable, f"{URL}/{path.relative_to(SITE)}") == path.read_bytes(), path
    assert curl(cable, f"{URL}/") == (SITE / "index.html").read_bytes()


def test_parts_heads_and_what_the_client_has(cable: Cable, tmp_path: Path) -> None:
    whole = make_large_file.content()
    assert curl(cable, "-r", "1000000-1000015", f"{URL}/large.bin") == whole[1_000_000:1_000_016]
    assert curl(cable, "-r", "-5", f"{URL}/large.bin") == whole[-5:]
    head = curl(cable, "-I", f"{URL}/large.bin").decode().lower()
    assert head.startswith("http/1.1 200 ok\r\n")
    assert f"content-length: {len(whole)}\r\n" in head
    tag = tmp_path / "etag"
    curl(cable, "-o", "/dev/null", "--etag-save", str(tag), f"{URL}/style.css")
    again = curl(cable, "-o", "/dev/null", "-w", "%{http_code}", "--etag-compare", str(tag), f"{URL}/style.css")
    assert again == b"304"


@pytest.mark.parametrize("size", [0, 56, 1472, 1473, 9000, MAX_ECHO])
def test_pings_of_every_size_are_answered(cable: Cable, size: int) -> None:
    said = cable.run("ping", "-n", "-c3", "-i0.01", "-W10", "-s", str(size), OURS).decode()
    assert "3 received, 0% packet loss" in said, said
    assert "wrong data byte" not in said


def test_a_flood_of_pings_is_answered(cable: Cable) -> None:
    said = cable.run("ping", "-n", "-q", "-f", "-c2000", "-s1000", OURS).decode()
    assert "2000 received, 0% packet loss" in said, said


@pytest.mark.parametrize(("path", "seconds"), [("/", 2), ("/large.bin", 4)])
def test_sixty_four_clients_at_once_are_served_without_an_error(cable: Cable, path: str, seconds: int) -> None:
    said = cable.run("wrk", "-t1", "-c64", f"-d{seconds}s", "-T20s", f"{URL}{path}").decode()
    assert "Non-2xx" not in said
    assert "Socket errors" not in said
    requests = re.search(r"(\d+) requests in", said)
    assert requests is not None
    assert int(requests[1]) > 0


def test_two_hundred_connections_are_kept_alive(cable: Cable) -> None:
    request = f"GET /style.css HTTP/1.1\r\nHost: {OURS}\r\n\r\n".encode()
    expected = (SITE / "style.css").read_bytes()
    with ExitStack() as stack:
        with cable.far.entered():
            made = [stack.enter_context(socket.create_connection((OURS, 80), timeout=10)) for _ in range(200)]
        for _ in range(3):
            for connection in made:
                connection.sendall(request)
            for connection in made:
                answer = b""
                while not answer.endswith(expected):
                    piece = connection.recv(65536)
                    assert piece, answer[:200]
                    answer += piece
                assert answer.startswith(b"HTTP/1.1 200 OK\r\n")


def test_a_port_where_nobody_listens_refuses(cable: Cable) -> None:
    with cable.far.entered(), pytest.raises(ConnectionRefusedError):
        socket.create_connection((OURS, 81), timeout=10)
    with cable.far.entered(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
        datagrams.settimeout(10)
        datagrams.connect((OURS, 81))
        datagrams.send(b"anybody?")
        with pytest.raises(ConnectionRefusedError):  # ICMP port unreachable
            datagrams.recv(100)


def test_the_kernel_has_dropped_nothing(cable: Cable) -> None:
    counted = cable.counted()
    for name in ("IpInHdrErrors", "IpReasmFails", "TcpInErrs", "UdpInErrors", "TcpExtTCPAbortOnTimeout"):
        assert counted[name] == 0, name


def test_interrupt_ends_it_in_good_order(cable: Cable, www: Running) -> None:
    assert www.interrupt() == 130
    assert "rror" not in www.output
