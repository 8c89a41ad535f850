"""Certificates for tests, made by OpenSSL when they are needed."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import NamedTuple

NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


class Certificate(NamedTuple):
    """Two files, both PEM. Who trusts the first believes the name and the address in it."""

    chain: Path
    key: Path


def self_signed(folder: Path, name: str, address: str) -> Certificate:
    """Make a certificate for a host name and an IPv4 address, valid for a day."""
    made = Certificate(folder / "certificate.pem", folder / "key.pem")
    _openssl(
        *("req", "-x509", *NEW_KEY, "-days", "1", "-subj", f"/CN={name}"),
        *("-addext", f"subjectAltName=DNS:{name},IP:{address}", "-keyout", str(made.key), "-out", str(made.chain)),
    )
    return made


class Authority:
    """Somebody who is trusted: certificates that it issues are believed by whoever knows `certificate`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._issued = 0
        self.certificate = folder / "ca.pem"
        self._key = folder / "ca-key.pem"
        _openssl(
            *("req", "-x509", *NEW_KEY, "-days", "1", "-subj", "/CN=an authority for tests"),
            *("-addext", "keyUsage=critical,keyCertSign", "-keyout", str(self._key), "-out", str(self.certificate)),
        )

    def issue(self, name: str, address: str) -> Certificate:
        """Make a certificate for a host name and an IPv4 address, valid for a day."""
        self._issued += 1
        folder = self._folder / str(self._issued)
        folder.mkdir()
        made = Certificate(folder / "certificate.pem", folder / "key.pem")
        request, extensions = folder / "request.pem", folder / "extensions"
        _openssl("req", *NEW_KEY, "-subj", f"/CN={name}", "-keyout", str(made.key), "-out", str(request))
        extensions.write_text(f"subjectAltName=DNS:{name},IP:{address}\n")
        _openssl(
            *("x509", "-req", "-days", "1", "-in", str(request), "-CA", str(self.certificate), "-CAkey"),
            *(str(self._key), "-CAcreateserial", "-extfile", str(extensions), "-out", str(made.chain)),
        )
        return made


def _openssl(*words: str) -> None:
    done = subprocess.run(("openssl", *words), capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr
