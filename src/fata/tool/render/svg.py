"""Draws a graph as SVG: boxes in columns, an arrow from each parameter to the device that serves it.

A node is `<g class="node KIND" data-id=…>`, an arrow `<path class="edge" data-source=… data-target=… data-label=…>`,
so that scripts and tests can ask the picture what it shows. Light or dark as the reader's screen is.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from html import escape
from itertools import pairwise

from fata.config.picture import Picture, PictureEdge, PictureNode
from fata.tool.render.layout import MARGIN, Box, Layout, Size, Stretch, place
from fata.tool.render.metrics import shortened, width
from fata.tool.render.visible import visible

# Sizes in CSS pixels.
TITLE = 16.0  # fonts
NAME = 13.0
SMALL = 11.0
HEADER = 34.0  # from the top to where the graph starts
PADDING = 12.0  # in a box
NAME_LINE = 18.0
DETAIL_LINE = 16.0
PORT = 18.0  # a box is at least so high for each arrow that leaves or arrives: labels need it
ARROW = 7.0  # the head's length
LABEL_SPACE = 10.0  # before and after an arrow's label
LONGEST = 48  # characters; the full text is the box's tooltip

FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # XML 1.0, 2.2

STYLE = """
    text { font-family: system-ui, "Helvetica Neue", Arial, "DejaVu Sans", sans-serif; font-size: 11px; fill: #0f172a }
    .paper { fill: #ffffff }
    .title { font-size: 16px; font-weight: 600 }
    .name { font-size: 13px; font-weight: 600 }
    .quiet { fill: #64748b }
    .box { fill: #f8fafc; stroke: #94a3b8 }
    .job .box { fill: #eff6ff; stroke: #2563eb }
    .choice .box { fill: #fefce8; stroke: #a16207; stroke-dasharray: 5 3 }
    .edge { fill: none; stroke: #64748b; stroke-width: 1.3 }
    .head { fill: #64748b }
    .label { fill: #334155 }
    @media (prefers-color-scheme: dark) {
      text { fill: #e2e8f0 }
      .paper { fill: #0f172a }
      .quiet { fill: #94a3b8 }
      .box { fill: #1e293b; stroke: #64748b }
      .job .box { fill: #172554; stroke: #60a5fa }
      .choice .box { fill: #2d2410; stroke: #eab308 }
      .edge { stroke: #94a3b8 }
      .head { fill: #94a3b8 }
      .label { fill: #cbd5e1 }
    }
"""


def draw(picture: Picture) -> str:
    """Draw the graph as one SVG document. Raises `StateError` for a graph with a cycle."""
    layout = arrange(picture)
    title = shortened(visible(picture.title), 2 * LONGEST)
    across = max(layout.width, width(title, TITLE, bold=True) + 2 * MARGIN)
    down = layout.height + HEADER
    summary = f"{counted(picture.nodes, 'node')}, {counted(picture.edges, 'arrow')} from a parameter to what serves it"
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{across:.0f}" height="{down:.0f}"'
            f' viewBox="0 0 {across:.0f} {down:.0f}" role="img" aria-labelledby="title summary">',
            f'  <title id="title">{text(picture.title)}</title>',
            f'  <desc id="summary">{summary}</desc>',
            f"  <style>{STYLE}  </style>",
            '  <defs><marker id="arrow" viewBox="0 0 7 8" refX="0" refY="4" markerWidth="7" markerHeight="8"'
            ' markerUnits="userSpaceOnUse" orient="auto"><path class="head" d="M0 0 L7 4 L0 8 z"/></marker></defs>',
            '  <rect class="paper" width="100%" height="100%"/>',
            f'  <text class="title" x="{MARGIN:.0f}" y="{MARGIN + 6:.0f}">{text(title)}</text>',
            f'  <g transform="translate(0 {HEADER:.0f})">',
            *(line for edge, way in zip(picture.edges, layout.ways, strict=True) for line in arrow(edge, way)),
            *(line for number, node in enumerate(picture.nodes) for line in box(node, layout.boxes[node.id], number)),
            "  </g>",
            "</svg>",
            "",
        ]
    )


def arrange(picture: Picture) -> Layout:
    """Measure the nodes and labels, and find places for them."""
    leaving = Counter(edge.source for edge in picture.edges)
    arriving = Counter(edge.target for edge in picture.edges)
    sizes = {node.id: size(node, max(leaving[node.id], arriving[node.id])) for node in picture.nodes}
    labels = [2 * LABEL_SPACE + width(edge_label(edge), SMALL) for edge in picture.edges]
    return place(sizes, picture.edges, labels)


def size(node: PictureNode, arrows: int) -> Size:
    """Return the room that a node needs, with so many arrows on its busier side."""
    name = width(shortened(visible(node.label), LONGEST), NAME, bold=True) + width(kind_note(node), SMALL)
    names = name_column(node)
    values = [names + width(shortened(visible(value), LONGEST), SMALL) for _, value in node.detail]
    height = 2 * PADDING + NAME_LINE + DETAIL_LINE * len(node.detail) - 4
    return Size(max(name, *values, 60.0) + 2 * PADDING, max(height, arrows * PORT))


def name_column(node: PictureNode) -> float:
    """Return the width of the column of a box's detail names, with the space behind it."""
    return max((width(shortened(visible(name), LONGEST), SMALL) for name, _ in node.detail), default=0.0) + 8


def kind_note(node: PictureNode) -> str:
    """Return what is said of a node's kind beside its name: devices are the rule, so nothing."""
    return "" if node.kind == "device" else f"   {node.kind}"


def box(node: PictureNode, place: Box, number: int) -> Iterator[str]:
    """Yield a node's lines."""
    left, baseline = place.x + PADDING, place.y + PADDING + NAME
    tooltip = "\n".join([node.label, *(f"{name}: {value}" for name, value in node.detail)])
    yield f'    <g class="node {node.kind}" id="node-{number}" data-id="{attribute(node.id)}">'
    yield f"      <title>{text(tooltip)}</title>"
    yield f'      <rect class="box" x="{place.x:.1f}" y="{place.y:.1f}"{extent(place)} rx="{rounding(node)}"/>'
    note = f'<tspan class="quiet" font-weight="400" font-size="{SMALL:.0f}" dx="8">{node.kind}</tspan>'
    yield (
        f'      <text class="name" x="{left:.1f}" y="{baseline:.1f}">{text(shortened(visible(node.label), LONGEST))}'
        f"{note if kind_note(node) else ''}</text>"
    )
    for position, (name, value) in enumerate(node.detail, 1):
        yield (
            f'      <text y="{baseline + 2 + position * DETAIL_LINE:.1f}">'
            f'<tspan class="quiet" x="{left:.1f}">{text(shortened(visible(name), LONGEST))}</tspan>'
            f'<tspan x="{left + name_column(node):.1f}">{text(shortened(visible(value), LONGEST))}</tspan></text>'
        )
    yield "    </g>"


def rounding(node: PictureNode) -> int:
    """Return the radius of a box's corners: jobs are rounder, so that they can be told without colour."""
    return 14 if node.kind == "job" else 4


def extent(place: Box) -> str:
    """Return a box's size as attributes."""
    return f' width="{place.width:.1f}" height="{place.height:.1f}"'


def arrow(edge: PictureEdge, way: tuple[Stretch, ...]) -> Iterator[str]:
    """Yield an arrow's path and its label, which stands on the first, level stretch."""
    start = way[0]
    steps = [f"M{start.start:.1f} {start.y:.1f}H{start.end:.1f}"]
    for one, other in pairwise(way):
        arrival = other.start - (ARROW if other is way[-1] else 0)
        middle = (one.end + arrival) / 2
        steps.append(f"C{middle:.1f} {one.y:.1f} {middle:.1f} {other.y:.1f} {arrival:.1f} {other.y:.1f}")
        if other is not way[-1]:
            steps.append(f"H{other.end:.1f}")
    data = "".join(f' data-{name}="{attribute(value)}"' for name, value in edge._asdict().items())
    yield f'    <path class="edge"{data} marker-end="url(#arrow)" d="{"".join(steps)}"/>'
    if edge.label:
        yield (
            f'    <text class="label" x="{start.start + LABEL_SPACE:.1f}" y="{start.y - 4:.1f}">'
            f"{text(edge_label(edge))}</text>"
        )


def edge_label(edge: PictureEdge) -> str:
    """Return an arrow's label as it is shown."""
    return shortened(visible(edge.label), LONGEST // 2)


def counted(things: tuple[object, ...], noun: str) -> str:
    """Say how many."""
    return f"{len(things)} {noun}{'' if len(things) == 1 else 's'}"


def text(content: str) -> str:
    """Escape for the inside of an element; what XML cannot hold becomes U+FFFD."""
    return escape(FORBIDDEN.sub("\ufffd", content), quote=False).replace("\r", "&#13;")


def attribute(content: str) -> str:
    """Escape for an attribute's value, with the white space that a parser would otherwise fold."""
    escaped = escape(FORBIDDEN.sub("\ufffd", content))
    return escaped.replace("\t", "&#9;").replace("\n", "&#10;").replace("\r", "&#13;")
