"""`fata build -t virtio`: build/virtio/NAME.elf, which any PVH loader boots and Linux runs."""

from __future__ import annotations

from pathlib import Path

from fata.config.graph import Graph
from fata.config.lock import replace
from fata.target.image.image import Image, make_image
from fata.target.output import folder


def build(graph: Graph, main: Path, files: list[Path]) -> tuple[Path, Image]:
    """Write the image and return its path, and what it was made of. Raises ConfigError."""
    image = make_image(graph, main, files)
    output = folder(graph) / f"{graph.project.name}.elf"
    replace(output, image.octets())
    output.chmod(0o755)
    return output, image
