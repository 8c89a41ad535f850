"""`fata build -t virtio`: build/virtio/NAME.elf, which any PVH loader boots and Linux runs."""

from __future__ import annotations

from pathlib import Path

from fata.config.graph import Graph
from fata.config.lock import replace
from fata.target.image.image import Image, judge, make_image
from fata.target.output import Report, folder, make_files, write_main
from fata.target.program import write_program
from fata.target.virtio.snapshot import with_snapshot


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


def build(graph: Graph, version: str, report: Report, *, snapshot: str | None = None) -> tuple[Path, Image]:
    """Write the image and return its path, and what it was made of. Raises ConfigError.

    `snapshot` is the accelerator of QEMU with which to take one; None makes an image without.
    """
    image = make(graph, version, report)
    output = folder(graph) / f"{graph.project.name}.elf"
    octets = image.octets()
    replace(output, octets if snapshot is None else with_snapshot(octets, output, snapshot, report))
    output.chmod(0o755)
    return output, image
