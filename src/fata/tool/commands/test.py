"""fata test."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import click

from fata.errors import ConfigError


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("folder", default=".", type=click.Path(path_type=Path))
@click.argument("words", nargs=-1, type=click.UNPROCESSED)
def command(folder: Path, words: tuple[str, ...]) -> None:
    """Run the tests of the application in FOLDER with pytest; further words are passed to it.

    Tests may use the fixtures `clock`, `disk`, `console`, `drive`, `sim` and `stack`, which come with fata.
    """
    if not folder.is_dir():
        raise ConfigError(f"there is no folder {folder}", remedy="Name the folder of an application.")
    if find_spec("pytest") is None:
        raise ConfigError("pytest is not installed", remedy="pip install pytest")
    places = [str(folder.resolve()), *([os.environ["PYTHONPATH"]] if "PYTHONPATH" in os.environ else [])]
    variables = {**os.environ, "PYTHONPATH": os.pathsep.join(places)}
    words = ("--rootdir", str(folder), *words, str(folder))
    sys.exit(subprocess.run([sys.executable, "-m", "pytest", *words], env=variables, check=False).returncode)
