"""Draws a graph as PNG, with whichever program the machine has for it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from fata.config.picture import Picture
from fata.errors import ConfigError
from fata.tool.render import dot, svg

PATIENCE = 60  # seconds for one picture
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
# Nothing but the page is to be fetched, and no profile to be left behind.
CHROMIUM_FLAGS = (
    "--headless",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
)


def draw(picture: Picture) -> bytes:
    """Draw with rsvg-convert or Chromium, which show our SVG, or else with Graphviz.

    Raises `ConfigError` when there is none of them, or when the one that there is fails.
    """
    if program := shutil.which("rsvg-convert"):
        return run([program, "--format", "png", "--zoom", "2"], svg.draw(picture))
    for name in CHROMIUM:
        if program := shutil.which(name):
            return screenshot(program, svg.draw(picture))
    if program := shutil.which("dot"):
        return run([program, "-Tpng", "-Gdpi=144"], dot.draw(picture))
    raise ConfigError(
        "nothing on this machine can draw a PNG",
        remedy="Install one of librsvg2-bin, chromium or graphviz, or write --format svg, which needs none.",
    )


def run(command: Sequence[str], text: str) -> bytes:
    """Give `text` to a program and return its output."""
    try:
        done = subprocess.run(command, input=text.encode(), capture_output=True, timeout=PATIENCE, check=False)
    except subprocess.TimeoutExpired:
        raise ConfigError(f"{command[0]} did not draw the picture within {PATIENCE} s") from None
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines() or ["nothing"]
        raise ConfigError(f"{command[0]} failed with status {done.returncode} and said: {said[-1]}")
    return done.stdout


def screenshot(program: str, picture: str) -> bytes:
    """Let a browser show the picture, and return what it shows, at twice the size."""
    across, down = re.findall(r' (?:width|height)="(\d+)"', picture)[:2]
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []  # Chromium's refuses to run as root
    with tempfile.TemporaryDirectory(prefix="fata-png-") as folder:
        page, image = Path(folder, "picture.svg"), Path(folder, "picture.png")
        page.write_text(picture, encoding="utf-8")
        run(
            [
                program,
                *CHROMIUM_FLAGS,
                *sandbox,
                f"--user-data-dir={folder}/profile",
                f"--window-size={across},{down}",
                "--force-device-scale-factor=2",
                f"--screenshot={image}",
                page.as_uri(),
            ],
            "",
        )
        return image.read_bytes()
