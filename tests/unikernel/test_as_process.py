"""The image of a unikernel is a Linux program too: over a TAP interface it serves the same octets."""

from __future__ import annotations

import os
import subprocess

import pytest

from tests.peers.cable import OURS, PREFIX, tap
from tests.programs import needs, needs_runtime
from tests.unikernel.guest import EXAMPLES, build


@pytest.mark.root
@pytest.mark.peer
@needs("curl")
@needs_runtime()
def test_the_image_serves_over_tap_as_a_process() -> None:
    image = build(EXAMPLES / "www")
    site = EXAMPLES / "www" / "htdocs"
    with tap() as cable:
        with cable.near.entered():
            words = [str(image), "--ipv4", f"{OURS}/{PREFIX}"]
            variables = {**os.environ, "FATA_TAP": cable.interface}
            process = subprocess.Popen(words, env=variables, stderr=subprocess.PIPE, text=True)
        try:
            assert process.stderr is not None
            assert "listening on http://0.0.0.0:80/" in process.stderr.readline()
            for name in ("index.html", "large.bin"):
                assert cable.run("curl", "-sS", f"http://{OURS}/{name}") == (site / name).read_bytes()
            process.terminate()
            _, errors = process.communicate(timeout=10)
            assert (process.returncode, "Traceback" in errors) == (143, False), errors
        finally:
            process.kill()
