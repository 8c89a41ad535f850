"""A web site."""

from fata.device import KvRo, Stack
from fata.http import serve_files


class Www:
    """Serve the files of `site`.

    Keys:
        port: TCP port to listen on
    """

    def __init__(self, site: KvRo, stack: Stack, *, port: int = 80) -> None:
        self.site = site
        self.stack = stack
        self.port = port

    async def run(self) -> None:
        """Serve until somebody stops the program."""
        await serve_files(self.site, self.stack, port=self.port)
