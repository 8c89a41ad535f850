"""Writes a graph in Graphviz' language."""

from __future__ import annotations

from collections.abc import Iterable

from fata.config.picture import Picture, PictureNode
from fata.tool.render.visible import visible

SHAPES = {
    "job": 'shape=box style="rounded,filled" fillcolor="#dbeafe" color="#2563eb"',
    "device": 'shape=box style="filled" fillcolor="#f8fafc" color="#64748b"',
    "choice": 'shape=box style="filled,dashed" fillcolor="#fef9c3" color="#a16207"',
}


def draw(picture: Picture) -> str:
    """Write the graph; a node's name is `n` and its position, so that only labels need quoting."""
    number = {node.id: f"n{position}" for position, node in enumerate(picture.nodes)}
    lines = [
        "digraph {",
        f"  graph [rankdir=LR label={quoted([picture.title])} labelloc=t fontname=Helvetica]",
        "  node [fontname=Helvetica fontsize=11 margin=0.15]",
        '  edge [fontname=Helvetica fontsize=10 color="#64748b"]',
        *(f"  {number[node.id]} [label={label(node)} {SHAPES[node.kind]}]" for node in picture.nodes),
        *(f"  {number[edge.source]} -> {number[edge.target]} [label={quoted([edge.label])}]" for edge in picture.edges),
        "}",
    ]
    return "\n".join(lines) + "\n"


def label(node: PictureNode) -> str:
    """Return a node's lines: what it is called, then its details."""
    return quoted([node.label, *(f"{name} {value}" for name, value in node.detail)])


def quoted(lines: Iterable[str]) -> str:
    """Quote lines as one string that shows them as they are: Graphviz reads backslashes and HTML's entities in it."""
    shown = (visible(line).replace("\\", "\\\\").replace('"', '\\"').replace("&", "&amp;") for line in lines)
    return '"' + "\\n".join(shown) + '"'
