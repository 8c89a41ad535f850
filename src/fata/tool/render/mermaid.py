"""Writes a graph in Mermaid's language, which many wikis and forges draw in place."""

from __future__ import annotations

import json

from fata.config.picture import Picture, PictureNode
from fata.tool.render.visible import visible

SHAPES = {"job": ('(["', '"])'), "device": ('["', '"]'), "choice": ('{{"', '"}}')}
# Besides letters and digits: shown as they are inside quotes. Not ":", for Mermaid takes "style…:…#…;" for CSS.
PLAIN = frozenset(" _-.,/()=+")
STYLES = """\
  classDef job fill:#dbeafe,stroke:#2563eb,color:#0f172a
  classDef device fill:#f8fafc,stroke:#64748b,color:#0f172a
  classDef choice fill:#fef9c3,stroke:#a16207,color:#0f172a,stroke-dasharray:4 3
"""


def draw(picture: Picture) -> str:
    """Write a flowchart; a node's name is `n` and its position, so that only labels need quoting."""
    number = {node.id: f"n{position}" for position, node in enumerate(picture.nodes)}
    title = json.dumps(visible(picture.title))  # a JSON string is a YAML string
    lines = [f"---\ntitle: {title}\n---\nflowchart LR"]
    for node in picture.nodes:
        start, end = SHAPES[node.kind]
        lines.append(f"  {number[node.id]}{start}{label(node)}{end}:::{node.kind}")
    for edge in picture.edges:
        text = f'|"{quoted(edge.label)}"|' if edge.label else ""
        lines.append(f"  {number[edge.source]} -->{text} {number[edge.target]}")
    return "\n".join(lines) + "\n" + STYLES


def label(node: PictureNode) -> str:
    """Return what a node is called and its details, a line each."""
    lines = [node.label, *(f"{name} {value}" for name, value in node.detail)]
    return "<br/>".join(quoted(line) for line in lines)


def quoted(text: str) -> str:
    """Write all but plain characters as Mermaid's numeric codes: it has no other escapes, and reads HTML."""
    return "".join(char if char.isalnum() or char in PLAIN else f"#{ord(char)};" for char in visible(text))
