"""The README does what it says: its commands are run, its picture is drawn again."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.guide import Reader, agrees
from tests.programs import needs, needs_runtime

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_commands_of_the_readme() -> None:
    assert Reader(ROOT).follow(README) == 3


@pytest.mark.qemu
@needs("qemu-system-x86_64")
@needs_runtime()
def test_the_unikernels_of_the_readme() -> None:
    assert Reader(ROOT).follow(README, "shell-session") == 3


@pytest.mark.parametrize(("target", "name"), [("unix", "www.svg"), ("virtio", "www-virtio.svg")])
def test_the_picture_is_what_describe_draws(target: str, name: str) -> None:
    words = ["describe", "examples/www", "-t", target, "--format", "svg"]
    drawn = subprocess.run([sys.executable, "-m", "fata.tool.main", *words], cwd=ROOT, capture_output=True, check=True)
    assert drawn.stdout == (ROOT / "docs" / "images" / name).read_bytes()


def test_every_link_leads_to_a_file() -> None:
    for page in [*ROOT.glob("*.md"), *(ROOT / "examples").glob("*.md"), *(ROOT / "docs").rglob("*.md")]:
        for link in re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8")):
            assert link.startswith("http") or (page.parent / link).exists(), f"{page.name}: {link}"


def make_demo(path: str = os.environ["PATH"]) -> str:
    """Run `make demo` with programs from `path`; return what it shows."""
    variables = {**os.environ, "PATH": path}
    done = subprocess.run(
        ["make", "demo"], cwd=ROOT, env=variables, capture_output=True, text=True, timeout=180, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.qemu
@needs("qemu-system-x86_64")
@needs_runtime()
def test_make_demo_shows_what_the_readme_says() -> None:
    """The image's size, the memory and every line stand in the README; what differs from run to run is "…" there."""
    shown = make_demo()
    (promised,) = re.findall(r"^```text\n(\$ fata build .*?)^```$", README, re.M | re.S)
    assert agrees(shown, promised), shown
    built = re.search(r"built \S+ \(([\d,]+) bytes\)", shown)
    stated = re.search(r"are ([\d.]+) MB\s+of the image, the site's files ([\d.]+), and ([\d.]+) are what", README)
    assert built is not None
    assert stated is not None
    parts = [float(each) for each in stated.groups()]
    files = (ROOT / "examples" / "www" / "build" / "virtio" / "crunch.crunch").stat().st_size / 1e6
    assert parts[1] == pytest.approx(files, abs=0.1)
    assert sum(parts) == pytest.approx(int(built[1].replace(",", "")) / 1e6, abs=0.6)


@pytest.mark.slow
@pytest.mark.peer
def test_make_demo_without_qemu_is_a_process_and_says_so(tmp_path: Path) -> None:
    for program in Path("/usr/bin").iterdir():
        # Nor is there what installs packages: the test's machine stays as it is.
        if program.name != "apt-get" and not program.name.startswith("qemu-system"):
            (tmp_path / program.name).symlink_to(program)
    shown = make_demo(str(tmp_path))
    assert "There is no QEMU, so this is not the unikernel" in shown
    assert "HTTP/1.1 200 OK" in shown
    assert "That page came from a process" in shown
    assert "Go on:" in shown
