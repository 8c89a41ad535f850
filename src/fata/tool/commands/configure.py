"""fata configure."""

from __future__ import annotations

import click

from fata.config.lock import LOCK, lock_text, locked_values, update
from fata.target.output import write_main
from fata.tool.keyed import keyed, show_help
from fata.tool.screen import say, show_json
from fata.tool.session import application_version, open_session


@keyed(as_json=True)
def command(ctx: click.Context, target: str | None, as_json: bool) -> None:
    """Read config.py, settle the keys, write main.py and fata.lock.

    With a lock, run and build refuse another target or other keys. Without one they configure each time.
    """
    if show_help(ctx, target):
        return
    graph = open_session(ctx.args, target, ignore_lock=True).graph()
    main = write_main(graph, application_version(graph.project.directory))
    lock = graph.project.directory / LOCK
    update(lock, lock_text(graph).encode())
    if as_json:
        show_json(
            {
                "name": graph.project.name,
                "target": graph.target,
                "main": str(main),
                "lock": str(lock),
                "keys": locked_values(graph),
            }
        )
        return
    say(f"configured {graph.project.name} for {graph.target}: {main}")
