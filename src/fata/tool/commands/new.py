"""fata new."""

from __future__ import annotations

import shutil
from pathlib import Path
from string import Template

import click

from fata.errors import ConfigError
from fata.tool.screen import say

TEMPLATES = Path(__file__).parent.parent / "templates"


@click.command()
@click.argument("name")
@click.option(
    "--template",
    type=click.Choice(sorted(entry.name for entry in TEMPLATES.iterdir() if entry.is_dir())),
    default="console",
    show_default=True,
    help="What to start from.",
)
def command(name: str, template: str) -> None:
    """Make the folder NAME with an application, its config.py and a test."""
    folder = Path(name)
    program = folder.name.replace("_", "-")
    if not program.replace("-", "").isalnum() or not program.isascii():
        raise ConfigError(f"{folder.name!r} is not a name for a program", remedy="Use letters, digits, '-' and '_'.")
    if folder.exists():
        raise ConfigError(f"{folder} exists", remedy="Choose another name.")
    class_name = "".join(part.capitalize() for part in program.split("-"))
    if not class_name.isidentifier():
        raise ConfigError(f"{folder.name!r} does not begin with a letter", remedy="Choose another name.")
    try:
        folder.mkdir(parents=True)
    except OSError as error:
        raise ConfigError(f"{folder} cannot be made: {error.strerror}", remedy="Choose another place.") from None
    try:
        _fill(folder, TEMPLATES / template, {"program": program, "Class": class_name})
    except OSError as error:
        shutil.rmtree(folder)
        raise ConfigError(f"{folder} cannot be filled: {error.strerror}", remedy="Choose another place.") from None
    say(f"made {folder}; go on with:\n  fata run {folder}\n  fata test {folder}")


def _fill(folder: Path, template: Path, names: dict[str, str]) -> None:
    for source in sorted(template.rglob("*.in")):
        target = folder / source.relative_to(template).with_suffix("")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(Template(source.read_text(encoding="utf-8")).substitute(names), encoding="utf-8")
