"""fata lock."""

from __future__ import annotations

import click

from fata.config.lock import replace
from fata.errors import ConfigError
from fata.target.image.wheels import LOCK, lock_text, read_wheel_lock
from fata.target.program import write_program
from fata.tool.keyed import keyed, show_help
from fata.tool.machine import image_target
from fata.tool.resolve import fetch, settle
from fata.tool.screen import progress, say, show_json
from fata.tool.session import application_version, open_session


@keyed(as_json=True)
@click.option("--fetch", "only_fetch", is_flag=True, help="Resolve nothing: get the wheels that the lock names.")
def command(ctx: click.Context, target: str | None, as_json: bool, only_fetch: bool) -> None:
    """Settle which wheels an image is made of: write wheels.lock, and keep the wheels at hand.

    Locked is what config.py names with package(), what else the application imports from packages that are installed
    here, and what all of that needs. Building is offline then, and the same on every machine.
    """
    target = image_target(target)
    if show_help(ctx, target):
        return
    session = open_session(ctx.args, target)
    file = session.project.directory / LOCK
    with progress(quiet=as_json) as report:
        if only_fetch:
            lock = read_wheel_lock(session.project.directory)
            if lock is None:
                raise ConfigError(f"there is no {file}", remedy="`fata lock` writes it.")
            wheels = list(lock.wheels)
        else:
            graph = session.graph(locking=True)
            program = write_program(graph, application_version(graph.project.directory)).encode()
            requirements, wheels = settle(graph, program, report)
        report("fetching")
        fetched = fetch(wheels) if only_fetch else []
    if not only_fetch:
        replace(file, lock_text(requirements, wheels).encode())
    if as_json:
        show_json({"lock": str(file), "wheels": [wheel._asdict() for wheel in wheels]})
        return
    for wheel in wheels:
        say(f"{wheel.name} {wheel.version}")
    say(f"fetched {len(fetched)} of {len(wheels)} wheels" if only_fetch else f"wrote {file}: {len(wheels)} wheels")
