"""Where the octets of an image go: every one of them is charged to somebody."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fata.target.image.distributions import shelf_of
from fata.target.image.image import Image
from fata.target.image.pack import pack
from fata.target.image.runtime import load_runtime
from fata.target.image.sizes import Group, Part, sizes
from fata.tool.render.treemap import Area, draw, squarify
from tests.images import ROOT, distribution, find_in, write_tree
from tests.programs import needs_runtime

RUNTIME = ROOT / "build" / "runtime" / "lean"
SVG = "{http://www.w3.org/2000/svg}"


@needs_runtime()
def test_the_groups_add_up_to_the_file(tmp_path: Path) -> None:
    write_tree(tmp_path, {"app.py": "import dist, json\n"})
    findings = find_in(tmp_path, shelf_of([distribution("dist", dist__init="x = 1", dist__more="y = 2")]))
    runtime = load_runtime(RUNTIME)
    image = Image(runtime, findings, tuple(pack(b"import app\n", findings, runtime, [])), 0)
    groups = sizes(image)
    assert sum(group.size for group in groups) == len(image.octets())
    assert groups[0].name == "kernel and Python"
    named = {group.name: {part.name for part in group.parts} for group in groups}
    assert {"dist", "dist.more"} <= named["dist"]
    assert {"app", "__main__"} == named["application"]
    assert {"json", "json.decoder"} <= named["standard library"]


@given(st.lists(st.integers(1, 10_000), max_size=30))
def test_a_treemap_covers_its_area_in_proportion(numbers: list[int]) -> None:
    numbers.sort(reverse=True)
    areas = squarify(numbers, Area(0, 0, 300, 200))
    assert len(areas) == len(numbers)
    for number, area in zip(numbers, areas, strict=True):
        assert area.width * area.height == pytest.approx(60_000 * number / sum(numbers), rel=1e-6)
        assert area.x >= -1e-6
        assert area.y >= -1e-6
        assert area.x + area.width <= 300 + 1e-6
        assert area.y + area.height <= 200 + 1e-6


def test_the_drawing_is_svg_that_names_every_part() -> None:
    groups = [Group("a <b>", (Part("x&y", 900), Part("z", 100))), Group("c", (Part("d", 10),))]
    root = ET.fromstring(draw("title, 1,010 octets", groups))
    found = {each.get("data-name"): each.get("data-size") for each in root.iter(f"{SVG}g") if each.get("data-name")}
    assert found == {"a <b>": "1000", "x&y": "900", "z": "100", "c": "10", "d": "10"}
    assert re.search(r"a &lt;b&gt;: x&amp;y, 900 octets", draw("t", groups))
