"""Drawings: golden ones to look at, and for any text whatsoever, documents that say what the graph says."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from itertools import product
from xml.etree import ElementTree

import pytest
from hypothesis import example, given, settings

from fata.config.picture import Picture, PictureEdge, PictureNode
from fata.errors import ConfigError, StateError
from fata.tool.render import FORMATS, data, dot, draw, mermaid, png, svg, tree
from tests.programs import needs
from tests.tool.render.pictures import EXACT, PICTURES, SHOP, TWO_JOBS, golden, graphs

pytestmark = pytest.mark.slow  # in all, some seconds

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = '"]\\|<b>&amp;--\0\x1b\u202e\ufffe\ud800 end;\r\n\t#35;`'
NASTY = Picture(
    HOSTILE,
    (PictureNode(HOSTILE, HOSTILE, "job", ((HOSTILE, HOSTILE),)), PictureNode("b", "", "choice", (("", ""),))),
    (PictureEdge(HOSTILE, "b", HOSTILE),),
)


@pytest.mark.parametrize(("name", "form"), list(product(PICTURES, EXACT)))
def test_drawings_are_those_that_were_looked_at(name: str, form: str) -> None:
    assert draw(PICTURES[name], form) == golden(name, form).read_text(encoding="utf-8")


@pytest.mark.parametrize("form", EXACT)
def test_an_empty_graph_is_drawn(form: str) -> None:
    assert str(draw(Picture("nothing", (), ()), form)).endswith("\n")


@given(graphs())
@example(NASTY)
def test_svg_is_well_formed_and_holds_every_node_and_edge(picture: Picture) -> None:
    root = ElementTree.fromstring(svg.draw(picture).encode())
    nodes = [group.attrib["data-id"] for group in root.iter(f"{SVG}g") if group.get("class", "").startswith("node ")]
    assert nodes == [kept(node.id) for node in picture.nodes]
    paths = [path.attrib for path in root.iter(f"{SVG}path") if path.get("class") == "edge"]
    found = [(path["data-source"], path["data-target"], path["data-label"]) for path in paths]
    assert found == [tuple(map(kept, edge)) for edge in picture.edges]


def kept(text: str) -> str:
    """Return what XML can hold of a text."""
    return svg.FORBIDDEN.sub("\ufffd", text)


@given(graphs())
@example(NASTY)
def test_json_says_exactly_what_the_graph_says(picture: Picture) -> None:
    read = json.loads(data.draw(picture))
    nodes = tuple(
        PictureNode(node["id"], node["label"], node["kind"], tuple(node["detail"].items())) for node in read["nodes"]
    )
    assert Picture(read["title"], nodes, tuple(PictureEdge(**edge) for edge in read["edges"])) == picture


@given(graphs())
@example(NASTY)
def test_mermaid_is_one_line_a_thing_with_nothing_loose_in_its_quotes(picture: Picture) -> None:
    head, title, _, kind, *lines = mermaid.draw(picture).removesuffix(mermaid.STYLES).splitlines()
    assert (head, kind) == ("---", "flowchart LR")
    json.loads(title.removeprefix("title: "))
    assert len(lines) == len(picture.nodes) + len(picture.edges)
    for line in lines:
        for inside in re.findall('"([^"]*)"', line):
            assert re.fullmatch(r"(?:[\w _.,/()=+-]|#\d+;|<br/>)*", inside)


@given(graphs())
@example(NASTY)
def test_the_tree_shows_each_node_and_stays_in_its_lines(picture: Picture) -> None:
    lines = tree.draw(picture).splitlines()
    assert all(line.isprintable() for line in lines)
    in_full = [line for line in lines if not line.endswith("(above)")]
    assert len(in_full) >= 1 + len(picture.nodes)
    assert tree.draw(picture, ascii_only=True).isascii()


def test_a_shared_device_stands_in_the_tree_once_and_is_pointed_to_after_that() -> None:
    lines = tree.draw(TWO_JOBS).splitlines()
    assert [line for line in lines if "console" in line] == [
        "│  └─ console: console  contract Console",
        "   └─ console: console ↑ (above)",
    ]


def test_devices_of_one_label_are_told_apart_by_id() -> None:
    nodes = (PictureNode("a", "disk", "device", ()), PictureNode("b", "disk", "device", ()))
    assert tree.draw(Picture("two", nodes, ())).splitlines() == ["two", "├─ disk (a)", "└─ disk (b)"]


def test_a_cycle_is_refused() -> None:
    nodes = (PictureNode("a", "a", "device", ()), PictureNode("b", "b", "device", ()))
    edges = (PictureEdge("a", "b", "x"), PictureEdge("b", "a", "y"))
    with pytest.raises(StateError, match=r"cycle.*'a', 'b'"):
        svg.draw(Picture("round", nodes, edges))


@pytest.mark.peer
@needs("dot")
@settings(max_examples=40)
@given(graphs())
@example(NASTY)
def test_graphviz_reads_the_same_graph_out_of_dot(picture: Picture) -> None:
    command = ["dot", "-Tjson"]
    done = subprocess.run(command, input=dot.draw(picture).encode(), capture_output=True, check=False, timeout=30)
    assert (done.returncode, done.stderr) == (0, b"")
    read = json.loads(done.stdout.decode(errors="replace"), strict=False)
    assert [node["name"] for node in read.get("objects", [])] == [f"n{at}" for at in range(len(picture.nodes))]
    position = {node.id: at for at, node in enumerate(picture.nodes)}
    ends = sorted((position[edge.source], position[edge.target]) for edge in picture.edges)
    assert sorted((edge["tail"], edge["head"]) for edge in read.get("edges", [])) == ends


@pytest.mark.peer
@needs("dot")
@pytest.mark.parametrize("label", ["a\\nb", "a&amp;b", 'say "no"', "\\", "\\N", "<b>x</b>", "a\nb"])
def test_graphviz_shows_a_label_as_it_is(label: str) -> None:
    picture = Picture("t", (PictureNode("a", label, "device", ()),), ())
    done = subprocess.run(
        ["dot", "-Tsvg"], input=dot.draw(picture).encode(), capture_output=True, check=True, timeout=30
    )
    (node,) = (group for group in ElementTree.fromstring(done.stdout).iter(f"{SVG}g") if group.get("class") == "node")
    assert [text.text for text in node.iter(f"{SVG}text")] == [label.replace("\n", "\\n")]


@pytest.mark.peer
@pytest.mark.parametrize("program", [pytest.param(name, marks=needs(name)) for name in ("rsvg-convert", "dot")])
def test_a_png_is_drawn_with_what_there_is(program: str, monkeypatch: pytest.MonkeyPatch) -> None:
    found = shutil.which(program)
    monkeypatch.setattr(shutil, "which", lambda name: found if name == program else None)
    assert png.draw(SHOP).startswith(b"\x89PNG\r\n\x1a\n")


def test_a_machine_that_cannot_draw_a_png_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(ConfigError, match=r"librsvg2-bin.*--format svg"):
        draw(SHOP, "png")


def test_a_renderer_that_fails_is_quoted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: "/bin/false" if name == "rsvg-convert" else None)
    with pytest.raises(ConfigError, match="/bin/false failed with status 1"):
        draw(SHOP, "png")


def test_every_format_has_its_module() -> None:
    assert set(FORMATS) == {"tree", "svg", "mermaid", "dot", "json", "png"}
