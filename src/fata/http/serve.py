"""The two servers: of files, and of an application."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from fata.http.contract import Listener, Site
from fata.http.files import Files
from fata.http.lifespan import Lifespan
from fata.http.limits import Limits
from fata.http.scope import Application
from fata.http.server import Server

if TYPE_CHECKING:
    from ssl import SSLContext


async def serve_files(
    site: Site,
    stack: Listener,
    *,
    host: str | None = None,
    port: int = 80,
    limits: Limits | None = None,
    wall: Callable[[], float | None] | None = None,
    tls: SSLContext | None = None,
) -> None:
    """Serve the values of `site` until cancelled; then end in good order, within `limits.grace_seconds`.

    `host` None is every address, `port` 0 any free one; the log says which. Without `limits` they are those of
    `Limits.of(stack)`. With `wall`, a wall clock's reading, answers carry a Date; with `tls`, a server's context,
    only TLS is spoken. Raises what `stack` raises when it cannot listen.
    """
    await Server(Files(site), limits or Limits.of(stack), wall).run(stack, host, port, tls)


async def serve_asgi(
    application: Application,
    stack: Listener,
    *,
    host: str | None = None,
    port: int = 80,
    limits: Limits | None = None,
    wall: Callable[[], float | None] | None = None,
    tls: SSLContext | None = None,
    root_path: str = "",
) -> None:
    """Serve an ASGI 3 application, as `serve_files` does a site, between its lifespan's startup and shutdown.

    `root_path` is where the application is mounted, such as "/shop". Raises `StartupFailed` with the
    application's own words.
    """
    from fata.http.asgi import Asgi  # brings wsproto along, a quarter of the time that a site takes to import

    limits = limits or Limits.of(stack)
    lifespan = Lifespan(application)
    await lifespan.start()
    try:
        await Server(Asgi(application, lifespan.state, root_path, limits), limits, wall).run(stack, host, port, tls)
    finally:
        await lifespan.stop(limits.grace_seconds)
