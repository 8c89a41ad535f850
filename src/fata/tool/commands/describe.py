"""fata describe."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from fata.config.graph import Graph
from fata.config.lock import replace
from fata.config.picture import Picture, draw
from fata.config.value import show
from fata.errors import ConfigError
from fata.tool.keyed import keyed, show_help
from fata.tool.render import draw as render
from fata.tool.render.data import as_data
from fata.tool.screen import say, table
from fata.tool.session import open_session

FORMATS = ("tree", "svg", "png", "mermaid", "dot", "json")


@keyed(as_json=True)
@click.option("--format", "kind", type=click.Choice(FORMATS), default="tree", show_default=True, help="What to make.")
@click.option("--output", "-o", type=click.Path(path_type=Path), help="Write there instead of standard output.")
def command(ctx: click.Context, target: str | None, as_json: bool, kind: str, output: Path | None) -> None:
    """Show what the configuration became: name, target, keys with their values and origins, the graph."""
    if show_help(ctx, target):
        return
    graph = open_session(ctx.args, target).graph(booting=True)
    data = _render(graph, "json" if as_json else kind)
    if output is not None:
        replace(output, data)
        say(f"wrote {output}")
    elif kind == "png" and sys.stdout.isatty():
        raise ConfigError("a PNG is no text", remedy="Give it a file: -o graph.png")
    else:
        click.echo(data, nl=False)


def _render(graph: Graph, kind: str) -> bytes:
    picture = draw(graph)
    if kind == "json":
        return (json.dumps(_data(graph, picture), indent=2, ensure_ascii=False) + "\n").encode()
    drawn = render(picture, kind)
    if kind == "tree":
        drawn = f"{_head(graph)}\n\n{drawn!s}"
    return drawn.encode() if isinstance(drawn, str) else drawn


def _data(graph: Graph, picture: Picture) -> dict[str, object]:
    return {
        "name": graph.project.name,
        "target": graph.target,
        "keys": _keys(graph),
        **as_data(picture),
    }


def _head(graph: Graph) -> str:
    rows = [{"k": f"  --{key['name']}", "v": key["value"] or "none", "o": f"({key['origin']})"} for key in _keys(graph)]
    keys = table(rows).partition("\n")[2] or "  none"
    return f"Name    {graph.project.name}\nTarget  {graph.target}\n\nKeys\n{keys}"


def _keys(graph: Graph) -> list[dict[str, str]]:
    return [
        {
            "name": key.name,
            "value": show(key.type, graph.settings[key.name].value) if key.name in graph.settings else "",
            "origin": graph.settings[key.name].origin if key.name in graph.settings else "not given",
            "stage": key.stage,
            "doc": key.doc,
        }
        for key in graph.keys
    ]
