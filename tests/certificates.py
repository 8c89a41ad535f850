"""Certificates for tests, made by OpenSSL when they are needed."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import NamedTuple


class Certificate(NamedTuple):
    """Two files, both PEM. Who trusts the first believes the name and the address in it."""

    chain: Path
    key: Path


def self_signed(folder: Path, name: str, address: str) -> Certificate:
    """Make a certificate for a host name and an IPv4 address, valid for a day."""
    made = Certificate(folder / "certificate.pem", folder / "key.pem")
    words = (
        *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
        *("-days", "1", "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name},IP:{address}"),
        *("-keyout", str(made.key), "-out", str(made.chain)),
    )
    done = subprocess.run(words, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr
    return made
