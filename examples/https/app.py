"""A web site over TLS."""

import ssl

from fata.device import BootFiles, KvRo, Stack
from fata.errors import Unavailable
from fata.http import serve_files

CERTIFICATE, KEY = "certificate.pem", "key.pem"


class Https:
    """Serve the files of `site` over TLS 1.3.

    `--file certificate.pem=PATH` and `--file key.pem=PATH` say who we are. They are given for a run, and are in no
    image: whoever gets hold of the image has not got the key.

    Keys:
        port: TCP port to listen on
    """

    def __init__(self, site: KvRo, stack: Stack, files: BootFiles, *, port: int = 443) -> None:
        self.site = site
        self.stack = stack
        self.files = files
        self.port = port

    async def run(self) -> None:
        """Serve until somebody stops the program. Raises `Unavailable` without certificate or key."""
        await serve_files(self.site, self.stack, port=self.port, tls=self.identity())

    def identity(self) -> ssl.SSLContext:
        """Return who we are."""
        certificate, key = self.files.path(CERTIFICATE), self.files.path(KEY)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        try:
            context.load_cert_chain(certificate, key)
        except OSError as error:  # ssl.SSLError is one
            raise Unavailable(
                f"{CERTIFICATE} and {KEY}: {error}", "Give the certificate and its key, in PEM."
            ) from None
        return context
