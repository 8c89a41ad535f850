"""fata modules."""

from __future__ import annotations

import click

from fata.config.nearest import nearest
from fata.errors import ConfigError
from fata.target.image.runtime import FULL, find_runtime
from fata.target.image.standard import Place, Standard, standard
from fata.tool.machine import VIRTIO
from fata.tool.screen import json_option, show_json, table

MEANING = {
    Place.BUILTIN: "in every image, in C",
    Place.FROZEN: "in every image",
    Place.PACKED: "in images that reach it",
    Place.MISSING: "no",
}


@click.command()
@click.argument("names", nargs=-1, metavar="[MODULE]...")
@click.option("--target", "-t", default=VIRTIO, show_default=True, metavar="NAME", help="Target: virtio.")
@json_option
def command(names: tuple[str, ...], target: str, as_json: bool) -> None:
    """Say which modules of the standard library work in a guest, and why the others do not.

    Without MODULE, all top-level ones that are meant to be used.
    """
    if target != VIRTIO:
        raise ConfigError(f"on {target} the standard library is the host's", remedy=f"Ask about -t {VIRTIO}.")
    library = standard(find_runtime(FULL))
    chosen = [_known(library, name) for name in names] or _public(library)
    statuses = {name: library.status(name) for name in chosen}
    if as_json:
        rows = [
            {"name": name, "place": status.place, "works": status.works, "why": status.why}
            for name, status in statuses.items()
        ]
        show_json({"target": target, "python": library.runtime.python, "modules": rows})
        return
    click.echo(
        table(
            [{"module": name, "there": MEANING[status.place], "but": status.why} for name, status in statuses.items()]
        )
    )


def _public(library: Standard) -> list[str]:
    return sorted(name for name in library.names if not name.startswith("_") and name not in ("this", "antigravity"))


def _known(library: Standard, name: str) -> str:
    if not library.owns(name):
        near = nearest(name, library.names)
        raise ConfigError(
            f"{name!r} is no module of the standard library",
            remedy=f"Did you mean {near!r}?" if near else "Packages of others are judged by `fata check`.",
        )
    return name
