"""`fata run` on a virtual machine: builds the image and hands it to QEMU."""

from __future__ import annotations

from dataclasses import replace

from fata.config.graph import Graph
from fata.runtime.quoting import join
from fata.target.virtio.accel import choose
from fata.target.virtio.build import build
from fata.target.virtio.capture import captures
from fata.target.virtio.cpio import write_cpio
from fata.target.virtio.launch import run
from fata.target.virtio.machine import USER, enough_memory, read_file
from fata.target.virtio.qemu import GDB_PORT, command
from fata.target.virtio.tap import check_tap
from fata.tool.machine import Options
from fata.tool.screen import progress, say
from fata.tool.session import application_version


def run_machine(graph: Graph, words: list[str], options: Options) -> int:
    """Build an image and run it with the arguments `words`; return the program's exit status. Raises ConfigError."""
    machine = replace(options.machine(), captures=captures(graph))
    for nic in machine.nics:
        if nic != USER:
            check_tap(nic)
    archive = write_cpio(dict(map(read_file, options.files))) if options.files else None
    with progress() as report:
        report("looking for KVM")
        accel = choose(options.accel or "auto", say)
        version = application_version(graph.project.directory)
        image, made = build(graph, version, report, snapshot=accel if options.snapshot else None)
    if options.memory is None:
        machine = replace(machine, memory=enough_memory(image.stat().st_size, made.floor))
    if machine.gdb:
        symbols = made.runtime.debug or image
        say(f"waiting for gdb: gdb {symbols} -ex 'target remote :{GDB_PORT}'")
    line = join(words)
    return run(lambda control, files: command(machine, accel, image, line, files=files, control=control), archive, say)
