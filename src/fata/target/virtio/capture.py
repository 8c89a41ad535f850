"""`--pcap` of a machine's network: QEMU writes the file, since the guest has no place for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fata.config.graph import Boot, Graph
from fata.config.keys import Key
from fata.config.settings import path_of

DEVICE = "virtio_stack"


def capture_keys(graph: Graph) -> dict[str, int]:
    """Return the names of the keys that say where frames are written, and the number of each one's card."""
    found = {}
    for node in graph.nodes:
        arguments = dict(node.arguments)
        where, number = arguments.get("pcap"), arguments.get("number", 0)
        if node.device.entry.kind == DEVICE and isinstance(where, Boot) and isinstance(number, int):
            found[where.key.name] = number
    return found


def captures(graph: Graph) -> tuple[tuple[int, Path], ...]:
    """Return the files that were asked for, by the card's number."""
    found = []
    for name, number in capture_keys(graph).items():
        setting = graph.settings.get(name)
        if setting is not None and setting.value is not None:
            found.append((number, path_of(setting, graph.project.directory).absolute()))
    return tuple(found)


def keys_of_the_guest(graph: Graph) -> list[Key[Any]]:
    """Return the keys that the program itself is given."""
    taken = capture_keys(graph)
    return [key for key in graph.boot_keys if key.name not in taken]
