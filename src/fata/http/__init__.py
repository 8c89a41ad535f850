"""One small HTTP/1.1 server over h11, for the files of a store and for ASGI applications.

It lives on asyncio's protocols and transports alone, so it runs the same over host sockets, over our own
stack and in the simulator. Why it is made as it is: docs/design/http.md.
"""

from fata.http.lifespan import StartupFailed
from fata.http.limits import Limits
from fata.http.serve import serve_asgi, serve_files

__all__ = ["Limits", "StartupFailed", "serve_asgi", "serve_files"]
