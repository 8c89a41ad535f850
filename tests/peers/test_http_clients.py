"""Clients of HTTP on our loop, asking a server on the kernel's sockets: httpx runs unchanged, aiohttp's is refused."""

from __future__ import annotations

import ssl
from pathlib import Path

import aiohttp
import httpx
import pytest

from fata.stack.direct import DirectStack
from tests.certificates import self_signed
from tests.kernel_http import PAGE, serving
from tests.peers.cable import KERNELS, run_on, veth
from tests.peers.dnsmasq import dnsmasq
from tests.programs import needs

pytestmark = [pytest.mark.root, pytest.mark.peer]


@needs("dnsmasq")
@needs("openssl")
def test_httpx_fetches_over_tls_by_name(tmp_path: Path) -> None:
    """Over a veth pair: the kernel at our end has no address, so that nothing but our stack can have asked."""
    certificate = self_signed(tmp_path, "www.test", KERNELS)
    trusted = ssl.create_default_context(cafile=certificate.chain)

    async def main(_stack: DirectStack) -> None:
        async with httpx.AsyncClient(verify=trusted) as client:
            for path, expected in (("", (200, PAGE)), ("elsewhere", (404, "nothing here\n"))):
                answer = await client.get(f"https://www.test:{port}/{path}")
                assert (answer.status_code, answer.text) == expected

    answers = f"--address=/www.test/{KERNELS}"
    with (
        veth() as cable,
        dnsmasq(cable, tmp_path, answers),
        cable.far.entered(),
        serving(KERNELS, certificate) as port,
    ):
        run_on(cable, main)


def test_the_client_of_aiohttp_is_refused_because_it_makes_sockets() -> None:
    async def main(_stack: DirectStack) -> None:
        async with aiohttp.ClientSession() as session:
            with pytest.raises(NotImplementedError):
                await session.get(f"http://{KERNELS}/")

    with veth() as cable:
        run_on(cable, main)
