"""`fata run examples/https`: TLS 1.3 with a certificate and a key that are given for the run."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.certificates import Certificate, self_signed
from tests.fata_command import fata_run
from tests.http.command import Running, curl
from tests.programs import needs

FOLDER = Path(__file__).parent
SITE = FOLDER.parent / "www" / "htdocs"

pytestmark = [pytest.mark.slow, needs("openssl")]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return self_signed(tmp_path_factory.mktemp("certificate"), "www.test", "127.0.0.1")


def words(certificate: Certificate) -> tuple[str, ...]:
    return ("--file", f"certificate.pem={certificate.chain}", "--file", f"key.pem={certificate.key}")


@pytest.mark.peer
@needs("curl")
def test_curl_believes_who_we_are_and_speaks_nothing_older(certificate: Certificate) -> None:
    with Running(FOLDER, *words(certificate)) as running:
        url = f"https://127.0.0.1:{running.port}"
        trust = ("--cacert", str(certificate.chain))
        assert f"https://0.0.0.0:{running.port}/" in running.output
        for name in ("index.html", "large.bin"):
            assert curl(*trust, "--tlsv1.3", f"{url}/{name}") == (SITE / name).read_bytes()
        with pytest.raises(AssertionError, match=r"curl: \(60\)"):
            curl(f"{url}/")
        with pytest.raises(AssertionError, match=r"curl: \(35\)"):
            curl(*trust, "--tls-max", "1.2", f"{url}/")
        bad = curl(*trust, "-H", "Content-Length: 5", "-H", "Transfer-Encoding: chunked", "-d", "hello", f"{url}/")
        assert bad, "a refused request gets its answer before the connection ends"
    assert "Traceback" not in running.output


def test_files_that_are_not_given_or_no_certificate_are_told(certificate: Certificate) -> None:
    told = fata_run(FOLDER)
    assert (told.returncode, "Give it: --file certificate.pem=PATH" in told.stderr) == (2, True)
    swapped = fata_run(FOLDER, "--file", f"certificate.pem={certificate.key}", "--file", f"key.pem={certificate.key}")
    assert (swapped.returncode, "in PEM." in swapped.stderr) == (2, True), swapped.stderr
    twice = fata_run(FOLDER, *words(certificate), *words(certificate))
    assert (twice.returncode, "Give each name once." in twice.stderr) == (2, True), twice.stderr
    absent = fata_run(FOLDER, "--file", "key.pem=/nowhere/key")
    assert (absent.returncode, "/nowhere/key: No such file" in absent.stderr) == (2, True), absent.stderr
