"""The README does what it says: its commands are run, its picture is drawn again."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.guide import Reader
from tests.programs import needs, needs_runtime

ROOT = Path(__file__).parents[2]


def test_the_commands_of_the_readme() -> None:
    assert Reader(ROOT).follow((ROOT / "README.md").read_text(encoding="utf-8")) == 3


@pytest.mark.qemu
@needs("qemu-system-x86_64")
@needs_runtime()
def test_the_unikernels_of_the_readme() -> None:
    assert Reader(ROOT).follow((ROOT / "README.md").read_text(encoding="utf-8"), "shell-session") == 3


def test_the_picture_is_what_describe_draws() -> None:
    words = ["describe", "examples/www", "--format", "svg"]
    drawn = subprocess.run([sys.executable, "-m", "fata.tool.main", *words], cwd=ROOT, capture_output=True, check=True)
    assert drawn.stdout == (ROOT / "docs" / "images" / "www.svg").read_bytes()


def test_every_link_leads_to_a_file() -> None:
    for page in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]:
        for link in re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8")):
            assert link.startswith("http") or (page.parent / link).exists(), f"{page.name}: {link}"


@pytest.mark.slow
@pytest.mark.peer
def test_make_demo() -> None:
    done = subprocess.run(["make", "demo"], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "HTTP/1.1 200 OK" in done.stdout
    assert "Go on:" in done.stdout
