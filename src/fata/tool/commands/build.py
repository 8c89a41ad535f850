"""fata build."""

from __future__ import annotations

import click

from fata.target.output import make_files, write_main
from fata.target.unix.build import build
from fata.tool.keyed import keyed, show_help
from fata.tool.screen import progress, say, show_json
from fata.tool.session import application_version, open_session


@keyed(as_json=True)
def command(ctx: click.Context, target: str | None, as_json: bool) -> None:
    """Make the program that a target runs; on unix an executable file, build/unix/NAME."""
    if show_help(ctx, target):
        return
    with progress(quiet=as_json) as report:
        graph = open_session(ctx.args, target).graph()
        main = write_main(graph, application_version(graph.project.directory))
        files = make_files(graph, report)
        output = build(graph, main, files)
    size = output.stat().st_size
    if as_json:
        show_json({"name": graph.project.name, "target": graph.target, "output": str(output), "size": size})
        return
    say(f"built {output} ({size:,} bytes)")
