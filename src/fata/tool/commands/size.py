"""fata size."""

from __future__ import annotations

from pathlib import Path

import click

from fata.config.lock import replace
from fata.target.image.sizes import Group, sizes
from fata.target.virtio.build import make
from fata.tool.keyed import keyed, show_help
from fata.tool.machine import image_target
from fata.tool.render.treemap import draw
from fata.tool.screen import progress, say, show_json, table
from fata.tool.session import application_version, open_session

SHOWN = 5  # parts of a group, unless all are asked for


@keyed(as_json=True)
@click.option("--format", "kind", type=click.Choice(("table", "svg")), default="table", show_default=True, help="Form.")
@click.option("--output", "-o", type=click.Path(path_type=Path), help="Write there instead of standard output.")
@click.option("--all", "everything", is_flag=True, help=f"Every module, not only the {SHOWN} largest of each group.")
def command(
    ctx: click.Context, target: str | None, as_json: bool, kind: str, output: Path | None, everything: bool
) -> None:
    """Show where the octets of an image go: by group and module, as a table or a treemap."""
    target = image_target(target)
    if show_help(ctx, target):
        return
    with progress(quiet=as_json) as report:
        graph = open_session(ctx.args, target).graph()
        groups = sizes(make(graph, application_version(graph.project.directory), report))
    total = sum(group.size for group in groups)
    if as_json:
        show_json({"name": graph.project.name, "size": total, "groups": [_data(group) for group in groups]})
        return
    drawn = (
        draw(f"{graph.project.name}, {total:,} octets", groups) if kind == "svg" else _table(groups, total, everything)
    )
    if output is None:
        click.echo(drawn, nl=False)
        return
    replace(output, drawn.encode())
    say(f"wrote {output}")


def _data(group: Group) -> dict[str, object]:
    return {"name": group.name, "size": group.size, "parts": [part._asdict() for part in group.parts]}


def _table(groups: list[Group], total: int, everything: bool) -> str:
    rows = []
    for group in groups:
        rows.append({"octets": f"{group.size:>12,}", "share": f"{group.size / total:>6.1%}", "of": group.name})
        shown = group.parts if everything else group.parts[:SHOWN]
        rows += [{"octets": f"{part.size:>12,}", "share": "", "of": f"  {part.name}"} for part in shown]
        if len(shown) < len(group.parts):
            rest = group.parts[len(shown) :]
            octets = sum(part.size for part in rest)
            rows.append({"octets": f"{octets:>12,}", "share": "", "of": f"  {len(rest)} more (--all)"})
    rows.append({"octets": f"{total:>12,}", "share": "", "of": "in all"})
    return table(rows) + "\n"
