"""QEMU's command line for a machine."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from fata.errors import ConfigError
from fata.target.virtio.machine import Machine

QEMU = "qemu-system-x86_64"
GDB_PORT = 1234
LINE_MAX = 8000  # octets; the kernel keeps 8191 with the image's own words
EXIT_PORT = "isa-debug-exit,iobase=0xf4,iosize=4"


class _Device(NamedTuple):
    """A virtio device: what is behind it, its kind, its options, and what is attached to it."""

    backend: tuple[str, ...]
    kind: str
    options: tuple[str, ...]
    attached: tuple[str, ...] = ()


# The kernel starts at our entry, so a microvm needs neither firmware tables for Linux nor a command line of QEMU's
# own making; the clock gives the date.
MODELS = {"microvm": "microvm,rtc=on,auto-kernel-cmdline=off", "q35": "q35"}

# SeaBIOS, which q35 gets unless told, spends 0.05 s on looking for disks to boot from. QEMU brings this firmware too;
# it does less, and leaves devices on the PCI bus without addresses: it is for machines that have none.
QUICK_FIRMWARE = "qboot.rom"
RANDOM = _Device(("-object", "rng-builtin,id=random"), "rng", ("rng=random",))
SUFFIX = {"microvm": "device", "q35": "pci,disable-legacy=on"}


def command(
    machine: Machine, accel: str, image: Path, line: str, *, files: str | None = None, control: int | None = None
) -> list[str]:
    """Return the words that start `image` with the boot line `line`.

    The console is QEMU's standard input and output. `files` is the path of an archive of boot-time files, `control` a
    connected socket that QEMU inherits and speaks QMP on. Raises ConfigError for a line that the kernel would not take.
    """
    size = len(line.encode())
    if size > LINE_MAX:
        raise ConfigError(
            f"the program's arguments have {size} octets together, and a boot line holds {LINE_MAX}",
            remedy="Give what is long as a file: --file NAME=PATH",
        )
    return [
        *(
            QEMU,
            "-machine",
            ",".join((MODELS[machine.model], *_memory_option(machine))),
            "-accel",
            accel,
            "-cpu",
            "max",
        ),
        *("-m", str(machine.memory), *_memory(machine)),
        *("-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"),
        *(("-bios", QUICK_FIRMWARE) if _has_bare_pci(machine) else ()),
        *("-kernel", str(image), "-append", line),
        *(() if files is None else ("-initrd", files)),
        *("-chardev", "stdio,id=console,signal=off", "-serial", "chardev:console"),
        *("-device", EXIT_PORT),
        *(() if control is None else ("-chardev", f"socket,id=control,fd={control}", "-mon", "control,mode=control")),
        *(("-global", "virtio-mmio.force-legacy=false") if machine.model == "microvm" else ()),
        *_devices(machine),
        *(("-gdb", f"tcp:127.0.0.1:{GDB_PORT}", "-S") if machine.gdb else ()),
    ]


def _memory_option(machine: Machine) -> tuple[str, ...]:
    return () if machine.memory_file is None else ("memory-backend=ram",)


def _memory(machine: Machine) -> tuple[str, ...]:
    if machine.memory_file is None:
        return ()
    return "-object", f"memory-backend-file,id=ram,size={machine.memory}M,mem-path={machine.memory_file},share=on"


def _has_bare_pci(machine: Machine) -> bool:
    devices = (machine.nics, machine.forwards, machine.drives, machine.terminals)
    return machine.model == "q35" and not any(devices)


def _devices(machine: Machine) -> Iterator[str]:
    """Yield the words for all devices. The guest finds them in this order."""
    if _has_bare_pci(machine):
        return
    for backend, kind, options, attached in chain(_networks(machine), _drives(machine), _terminals(machine), [RANDOM]):
        yield from backend
        yield from ("-device", ",".join((f"virtio-{kind}-{SUFFIX[machine.model]}", *options)))
        yield from attached


def _networks(machine: Machine) -> Iterator[_Device]:
    nics = machine.nics or (("user",) if machine.forwards else ())
    if machine.forwards and "user" not in nics:
        raise ConfigError(
            "--publish needs a network that QEMU makes", remedy="Give --nic user too, or leave --publish out."
        )
    forwards = "".join(f",hostfwd={forward}" for forward in machine.forwards)
    for number, nic in enumerate(nics):
        name = f"net{number}"
        kind = f"user,id={name}" if nic == "user" else f"tap,id={name},ifname={nic},script=no,downscript=no"
        backend = ("-netdev", kind + (forwards if nic == "user" else ""))
        forwards = "" if nic == "user" else forwards  # a port leads to one network
        yield _Device((*backend, *_capture(machine, number, nic)), "net", (f"netdev={name}",))


def _capture(machine: Machine, number: int, nic: str) -> Iterator[str]:
    """Yield the words that write a network's frames to a file."""
    for captured, path in machine.captures:
        if captured != number:
            continue
        if nic != "user":
            remedy = f"Capture at the interface itself: tcpdump -i {nic} -w {path}"
            raise ConfigError("--pcap needs a network that QEMU makes", remedy=remedy)
        yield from ("-object", f"filter-dump,id=dump{number},netdev=net{number},file={_escaped(path)}")


def _drives(machine: Machine) -> Iterator[_Device]:
    for number, drive in enumerate(machine.drives):
        name = f"drive{number}"
        # What the guest discards is given back to the host's file system.
        how = f"if=none,id={name},format=raw,discard=unmap,file={_escaped(drive.path)}"
        yield _Device(("-drive", how + ",readonly=on" * drive.read_only), "blk", (f"drive={name}",))


def _terminals(machine: Machine) -> Iterator[_Device]:
    for number, path in enumerate(machine.terminals):
        name = f"terminal{number}"
        backend = ("-chardev", f"socket,id={name},path={_escaped(path)},server=on,wait=off")
        attached = ("-device", f"virtconsole,chardev={name},bus=serial{number}.0")
        yield _Device(backend, "serial", (f"id=serial{number}",), attached)


def _escaped(path: Path) -> str:
    return str(path).replace(",", ",,")
