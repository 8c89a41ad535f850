"""Writes a graph as JSON, for programs."""

from __future__ import annotations

import json

from fata.config.picture import Picture


def as_data(picture: Picture) -> dict[str, object]:
    """Return the graph as plain values: title, nodes (id, label, kind, detail), edges (source, target, label)."""
    return {
        "title": picture.title,
        "nodes": [{**node._asdict(), "detail": dict(node.detail)} for node in picture.nodes],
        "edges": [edge._asdict() for edge in picture.edges],
    }


def draw(picture: Picture) -> str:
    """Write the graph as one JSON document."""
    return json.dumps(as_data(picture), indent=2) + "\n"
