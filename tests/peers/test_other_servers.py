"""aiosmtpd with STARTTLS, asyncssh and dnspython, unmodified, on our loop over TAP."""

from __future__ import annotations

import asyncio
import smtplib
import ssl
import subprocess
from pathlib import Path
from typing import Any

import asyncssh
import dns.asyncresolver
import dns.rdatatype
import pytest
from aiosmtpd.smtp import SMTP

from fata.stack.direct import DirectStack
from tests.certificates import self_signed
from tests.peers.cable import KERNELS, OURS, run_on, tap
from tests.peers.dnsmasq import dnsmasq
from tests.peers.leaks import leaves_nothing
from tests.programs import needs

pytestmark = [pytest.mark.root, pytest.mark.peer]

BODY = "".join(f"line {number}, and no end in sight\r\n" for number in range(20_000))


class Mailbox:
    """What aiosmtpd tells of mail that has come."""

    def __init__(self) -> None:
        self.letters: list[bytes] = []

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802  # aiosmtpd's name
        self.letters.append(envelope.content)
        return "250 taken"


@needs("openssl")
def test_mail_comes_by_starttls(tmp_path: Path) -> None:
    certificate = self_signed(tmp_path, "mail.test", OURS)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*certificate)

    def send() -> None:
        trusting = ssl.create_default_context(cafile=str(certificate.chain))
        with smtplib.SMTP(OURS, 2525, timeout=10) as client:
            client.starttls(context=trusting)
            client.sendmail("a@mail.test", ["b@mail.test"], BODY)

    def leave_in_mid_letter() -> None:
        client = smtplib.SMTP(OURS, 2525, timeout=10)
        client.helo()
        client.docmd("MAIL FROM:<a@mail.test>")
        client.docmd("RCPT TO:<b@mail.test>")
        client.docmd("DATA")
        client.send(BODY)
        client.close()

    async def main(stack: DirectStack) -> None:
        mailbox = Mailbox()

        async def clients() -> None:
            await cable.calling(send)
            await cable.calling(leave_in_mid_letter)
            assert mailbox.letters == [BODY.encode()]
            mailbox.letters.clear()

        loop = asyncio.get_running_loop()
        server = await loop.create_server(
            lambda: SMTP(mailbox, hostname="mail.test", tls_context=context, data_size_limit=None, loop=loop),
            OURS,
            2525,
        )
        await leaves_nothing(stack, clients)
        server.close()

    with tap() as cable:
        run_on(cable, main)


@needs("ssh")
def test_openssh_runs_commands_and_copies(tmp_path: Path) -> None:
    user_key, content = asyncssh.generate_private_key("ssh-ed25519"), BODY.encode() * 14
    user_key.write_private_key(tmp_path / "id")
    (tmp_path / "id").chmod(0o600)
    words = (
        *("ssh", "-p", "2222", "-i", str(tmp_path / "id"), "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes", "-q"),
        *("-F", "none", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", f"ada@{OURS}"),
    )

    async def serve(process: asyncssh.SSHServerProcess[bytes]) -> None:
        if process.command == "echo":
            process.stdout.write(await process.stdin.read())
        process.exit(7)

    def copy() -> None:
        with cable.far.entered():
            done = subprocess.run((*words, "echo"), input=content, capture_output=True, timeout=20, check=False)
        assert (done.returncode, done.stdout) == (7, content)

    async def main(stack: DirectStack) -> None:
        server = await asyncssh.listen(
            OURS,
            2222,
            server_host_keys=[asyncssh.generate_private_key("ssh-ed25519")],
            authorized_client_keys=asyncssh.import_authorized_keys(user_key.export_public_key().decode()),
            process_factory=serve,
            encoding=None,
        )
        assert len(content) > 9_000_000
        await leaves_nothing(stack, lambda: asyncio.to_thread(copy))
        server.close()
        await server.wait_closed()

    with tap() as cable:
        run_on(cable, main)


@needs("dnsmasq")
def test_dnspython_asks_dnsmasq(tmp_path: Path) -> None:
    many = [f"10.5.{number >> 8}.{number & 255}" for number in range(200)]
    words = ("--address=/www.test/10.1.2.3", "--txt-record=www.test,hello")
    records = (f"--host-record=many.test,{one}" for one in many)

    async def main(stack: DirectStack) -> None:
        resolver = dns.asyncresolver.Resolver(configure=False)
        resolver.nameservers = [KERNELS]
        resolver.lifetime = 10

        async def clients() -> None:
            answer = await resolver.resolve("www.test", "A")
            assert [record.address for record in answer] == ["10.1.2.3"]
            text = await resolver.resolve("www.test", "TXT")
            assert [record.strings for record in text] == [(b"hello",)]
            long = await resolver.resolve("many.test", "A")  # too long for a datagram: it comes by TCP
            assert {record.address for record in long} == set(many)
            with pytest.raises(dns.resolver.NoNameservers):
                await resolver.resolve("elsewhere.example", "A")

        await leaves_nothing(stack, clients)

    with tap() as cable, dnsmasq(cable, tmp_path, *words, *records):
        run_on(cable, main)
