"""`fata build -t virtio`: build/virtio/NAME.elf, which any PVH loader boots and Linux runs."""

from __future__ import annotations

from pathlib import Path

from fata.config.graph import Graph
from fata.config.lock import replace
from fata.target.image.image import Image, judge, make_image
from fata.target.output import Report, folder, make_files, write_main
from fata.target.program import write_program


def make(graph: Graph, version: str, report: Report) -> Image:
    """Make the image of a program, and what it is made of; `version` is the application's. Raises ConfigError.

    Nothing is written for a program that cannot be in an image.
    """
    report("reading imports")
    program = write_program(graph, version).encode()
    verdict = judge(graph, program)
    write_main(graph, version)
    files = make_files(graph, report)
    report("packing modules")
    return make_image(verdict, program, files)


def build(graph: Graph, version: str, report: Report) -> tuple[Path, Image]:
    """Write the image and return its path, and what it was made of. Raises ConfigError."""
    image = make(graph, version, report)
    output = folder(graph) / f"{graph.project.name}.elf"
    replace(output, image.octets())
    output.chmod(0o755)
    return output, image
