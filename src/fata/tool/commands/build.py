"""fata build."""

from __future__ import annotations

import click

from fata.errors import ConfigError
from fata.target.image.notes import Note
from fata.target.output import make_files, write_main
from fata.target.unix.build import build as build_process
from fata.tool.keyed import keyed, show_help
from fata.tool.machine import VIRTIO
from fata.tool.screen import progress, say, show_json
from fata.tool.session import application_version, open_session


@keyed(as_json=True)
@click.option("--snapshot", is_flag=True, help="Start an image once, in QEMU, and keep it as it is after its imports.")
def command(ctx: click.Context, target: str | None, as_json: bool, snapshot: bool) -> None:
    """Make the program that a target runs.

    On unix an executable file, build/unix/NAME; on virtio one ELF file with kernel, Python and application,
    build/virtio/NAME.elf, which QEMU, Firecracker and Linux itself start.
    """
    if show_help(ctx, target):
        return
    with progress(quiet=as_json) as report:
        graph = open_session(ctx.args, target).graph()
        version = application_version(graph.project.directory)
        notes: tuple[Note, ...] = ()
        if graph.target == VIRTIO:
            from fata.target.virtio.accel import choose
            from fata.target.virtio.build import build as build_image

            accel = choose("auto", report) if snapshot else None
            output, image = build_image(graph, version, report, snapshot=accel)
            notes = image.findings.notes
        elif snapshot:
            raise ConfigError(
                f"--snapshot belongs to a virtual machine, and the target is {graph.target}",
                remedy=f"Build it with -t {VIRTIO}, or leave the option out.",
            )
        else:
            main = write_main(graph, version)
            output = build_process(graph, main, make_files(graph, report))
    size = output.stat().st_size
    if as_json:
        told = {"name": graph.project.name, "target": graph.target, "output": str(output), "size": size}
        show_json(told | {"notes": [str(note) for note in notes]})
        return
    for note in notes:
        say(str(note))
    say(f"built {output} ({size:,} bytes)")
