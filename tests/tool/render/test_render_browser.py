"""An SVG drawing in a real browser: its DOM holds the graph, and its text fits into its boxes."""

from __future__ import annotations

import html
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from fata.tool.render import data, svg
from fata.tool.render.png import CHROMIUM_FLAGS
from tests.programs import needs
from tests.tool.render.pictures import PICTURES

EXAMPLES = Path(__file__).parents[3] / "examples"

PAGE = """<!doctype html><meta charset="utf-8"><body>%s<pre id="found"></pre><script>
  const all = (selector) => Array.from(document.querySelectorAll(selector));
  const right = (element) => element.getBBox().x + element.getBBox().width;
  const found = {
    nodes: all("g.node").map((node) => node.dataset.id),
    edges: all("path.edge").map(({ dataset }) => [dataset.source, dataset.target, dataset.label]),
    outside: all("g.node text").filter((text) => right(text) > right(text.parentNode.querySelector("rect")) - 4)
      .map((text) => text.textContent),
    drawn: all("path.edge").every((path) => path.getTotalLength() > 20),
  };
  document.getElementById("found").textContent = JSON.stringify(found);
</script>"""


def ask(drawing: str, folder: Path) -> dict[str, Any]:
    """Let Chromium show an SVG and run the page's script; return what that found."""
    page = folder / "page.html"
    page.write_text(PAGE % drawing, encoding="utf-8")
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
    command = ["chromium", *CHROMIUM_FLAGS, *sandbox, f"--user-data-dir={folder}/profile", "--dump-dom", page.as_uri()]
    dom = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
    answer = re.search('<pre id="found">(.*?)</pre>', dom, re.DOTALL)
    assert answer is not None, dom
    found: dict[str, Any] = json.loads(html.unescape(answer[1]))
    return found


@pytest.mark.browser
@needs("chromium")
@pytest.mark.parametrize("name", PICTURES)
def test_the_browser_sees_the_graph_that_json_tells(name: str, tmp_path: Path) -> None:
    agree(ask(svg.draw(PICTURES[name]), tmp_path), json.loads(data.draw(PICTURES[name])))


@pytest.mark.browser
@needs("chromium")
@pytest.mark.parametrize("example", ["www", "two-jobs"])
def test_the_browser_sees_what_describe_tells(example: str, tmp_path: Path) -> None:
    def describe(form: str) -> str:
        words = [sys.executable, "-m", "fata.tool.main", "describe", str(EXAMPLES / example), "--format", form]
        return subprocess.run(words, capture_output=True, text=True, timeout=30, check=True).stdout

    agree(ask(describe("svg"), tmp_path), json.loads(describe("json")))


def agree(found: dict[str, Any], told: dict[str, Any]) -> None:
    """Compare what a browser found in the DOM with what JSON tells of the same graph."""
    assert found["nodes"] == [node["id"] for node in told["nodes"]]
    assert found["edges"] == [[edge["source"], edge["target"], edge["label"]] for edge in told["edges"]]
    assert found["outside"] == []
    assert found["drawn"]
