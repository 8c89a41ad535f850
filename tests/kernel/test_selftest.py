"""The self-test application: asyncio, threads, files, TLS … on both machines and as a Linux program."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.kernel import machine
from tests.kernel.conftest import Make

PROGRAM = (Path(__file__).parent / "apps" / "selftest.py").read_text()
USES = (
    "asyncio",
    "concurrent.futures.thread",
    "base64",
    "hashlib",
    "json",
    "random",
    "struct",
    "sysconfig",
    "_sysconfigdata__x86_64-linux-gnu",
    "tempfile",
    "wsgiref.handlers",
    "threading",
)
OVER_OPENSSL = ("check_tls", "check_cipher")


@pytest.fixture
def certificate(tmp_path: Path) -> str:
    """Return a key and a certificate for localhost, as the source of a module."""
    key, cert = tmp_path / "key.pem", tmp_path / "cert.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
            *("-keyout", key, "-out", cert, "-days", "3650", "-subj", "/CN=localhost"),
            *("-addext", "subjectAltName=DNS:localhost"),
        ],
        check=True,
        capture_output=True,
    )
    return f"PEM = {key.read_text() + cert.read_text()!r}\n"


@pytest.mark.slow
def test_selftest_without_openssl_under_linux(make: Make) -> None:
    """The lean profile has everything but what needs OpenSSL."""
    result = machine.as_process(make(PROGRAM, uses=USES), *OVER_OPENSSL)
    assert result.output.endswith("all passed\n")
    assert result.status == 0


@pytest.mark.slow
def test_selftest_with_openssl_under_linux(make: Make, certificate: str) -> None:
    """The full profile passes everything."""
    path = make(PROGRAM, uses=(*USES, "ssl", "encodings.idna"), modules={"certificate": certificate}, profile="full")
    result = machine.as_process(path)
    assert result.output.endswith("all passed\n")


@pytest.mark.qemu
@pytest.mark.parametrize("kind", ["microvm", "q35"])
def test_selftest_with_openssl_on_the_machine(make: Make, certificate: str, kind: str) -> None:
    """The same on both machines; the kernel has no system call to complain about."""
    path = make(PROGRAM, uses=(*USES, "ssl", "encodings.idna"), modules={"certificate": certificate}, profile="full")
    result = machine.boot(path, machine=kind)
    assert result.output.endswith("all passed\n"), result.output
    assert result.status == 0
    assert "not implemented" not in result.output


@pytest.mark.qemu
def test_selftest_without_openssl_on_the_machine(make: Make) -> None:
    """The lean profile on the machine."""
    result = machine.boot(make(PROGRAM, uses=USES), *OVER_OPENSSL)
    assert result.output.endswith("all passed\n"), result.output
