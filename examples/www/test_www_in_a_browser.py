"""The site in headless Chromium: pages with their style and pictures, as a visitor gets them."""

from __future__ import annotations

import html
import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fata.tool.render.png import CHROMIUM_FLAGS
from tests.http.command import Running
from tests.programs import needs

FOLDER = Path(__file__).parent

PROBE = """<!doctype html><meta charset="utf-8"><iframe src="%s" width="1000" height="800"></iframe>
<pre id="found"></pre><script>
  addEventListener("load", () => {
    const page = document.querySelector("iframe").contentDocument;
    const pictures = Array.from(page.images);
    document.getElementById("found").textContent = JSON.stringify({
      title: page.title,
      pictures: pictures.length,
      broken: pictures.filter((picture) => !picture.complete || picture.naturalWidth === 0).map((it) => it.src),
      styled: page.styleSheets.length > 0 && page.styleSheets[0].cssRules.length > 0,
    });
  });
</script>"""


@pytest.fixture(scope="module")
def probed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Serve a copy of the site with a page that looks into the others; return its address."""
    folder = tmp_path_factory.mktemp("site")
    for source in FOLDER.glob("htdocs/**/*"):
        if source.is_file() and source.name != "large.bin":
            target = folder / source.relative_to(FOLDER / "htdocs")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(source.read_bytes())
    for name in ("index.html", "try.html", "mirage.html", "targets/index.html"):
        (folder / f"probe-{name.replace('/', '-')}").write_text(PROBE % f"/{name}", encoding="utf-8")
    with Running(FOLDER / "app:Www", "--site", str(folder)) as server:
        yield f"http://127.0.0.1:{server.port}"


@pytest.mark.browser
@needs("chromium")
@pytest.mark.parametrize("name", ["index.html", "try.html", "mirage.html", "targets/index.html"])
def test_pages_come_with_their_style_and_pictures(probed: str, name: str, tmp_path: Path) -> None:
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
    page = f"{probed}/probe-{name.replace('/', '-')}"
    command = ["chromium", *CHROMIUM_FLAGS, *sandbox, f"--user-data-dir={tmp_path}/profile", "--dump-dom", page]
    dom = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
    answer = re.search('<pre id="found">(.+?)</pre>', dom, re.DOTALL)
    assert answer is not None, dom
    found: dict[str, Any] = json.loads(html.unescape(answer[1]))
    assert "fata" in found["title"]
    assert found["pictures"] > 0
    assert found["broken"] == []
    assert found["styled"]
