"""The peer of boot.py: Debian's Python as the first and only program of Debian's cloud kernel.

The kernel's package is downloaded and unpacked, never installed. The archive holds the interpreter, its shared
libraries, Debian's packages of the standard library as they are installed, compiled, and /init; for a program that
needs no more, the minimal package only. It is not compressed, which is quickest where everything is emulated.
"""

from __future__ import annotations

import re
import stat
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

PYTHON = Path("/usr/bin/python3.11")
MINIMAL, WHOLE = ("libpython3.11-minimal",), ("libpython3.11-minimal", "libpython3.11-stdlib")
KERNEL = "linux-image-cloud-amd64"
LIBRARY = "/usr/lib/python3.11/"
HELLO = "print('hello world', flush=True)\nimport time\ntime.sleep(60)\n"
ASYNCIO = """\
import asyncio


async def greet():
    print("hello world", flush=True)


async def run():
    await asyncio.sleep(0.001)
    await asyncio.create_task(greet())
    await asyncio.sleep(60)


asyncio.run(run())
"""
PROGRAMS = {"hello": (HELLO, MINIMAL), "asyncio": (ASYNCIO, WHOLE)}
CONSOLE = (5, 1)  # major and minor number
LINE = "console=ttyS0 quiet panic=-1"


class File(NamedTuple):
    """What is in an archive; a module's time is what its compiled twin is compared with."""

    data: bytes
    time: int = 0


def command(kind: str, folder: Path, memory: int = 256) -> list[str]:
    """Return the words that boot a program on q35; the kernel is put into `folder` unless it is there.

    Raises CalledProcessError when Debian's packages cannot be had.
    """
    folder.mkdir(parents=True, exist_ok=True)
    made = folder / f"{kind}.cpio"
    program, packages = PROGRAMS[kind]
    made.write_bytes(archive({"/init": File(b"#!/usr/bin/python3.11 -IS\n" + program.encode()), **files_of(packages)}))
    return [
        *("qemu-system-x86_64", "-machine", "q35", "-accel", "tcg", "-cpu", "max", "-m", str(memory)),
        *("-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"),
        *("-kernel", str(kernel(folder)), "-initrd", str(made), "-append", LINE, "-serial", "stdio"),
    ]


def version(words: list[str]) -> str:
    """Return the version of the kernel that a command boots."""
    return Path(words[words.index("-kernel") + 1]).name.removeprefix("vmlinuz-")


def kernel(folder: Path) -> Path:
    """Return Debian's cloud kernel, unpacked into `folder` unless it is there. Raises CalledProcessError."""
    found = sorted(folder.glob("unpacked/boot/vmlinuz-*"))
    if not found:
        depends = _output("apt-cache", "depends", KERNEL)
        package = re.search(r"Depends: (linux-image-\S+)", depends)
        if package is None:
            raise RuntimeError(f"apt knows no {KERNEL}: apt-get update")
        subprocess.run(["apt-get", "-qq", "download", package[1]], cwd=folder, check=True, stderr=subprocess.DEVNULL)
        (file,) = folder.glob(f"{package[1]}_*.deb")
        subprocess.run(["dpkg-deb", "-x", str(file), str(folder / "unpacked")], check=True)
        found = sorted(folder.glob("unpacked/boot/vmlinuz-*"))
    return found[-1]


def _output(*words: str) -> str:
    return subprocess.run(words, check=True, text=True, stdout=subprocess.PIPE).stdout


def files_of(packages: tuple[str, ...]) -> dict[str, File]:
    """Return the interpreter, its shared libraries, its modules and their compiled twins, by path."""
    libraries = map(Path, re.findall(r"(/\S+) \(0x", _output("ldd", str(PYTHON))))
    paths = dict.fromkeys([PYTHON, *libraries, *_modules(packages)])
    return {str(path): File(path.read_bytes(), int(path.stat().st_mtime)) for path in paths}


def _modules(packages: tuple[str, ...]) -> Iterator[Path]:
    for name in _output("dpkg-query", "-L", *packages).splitlines():
        path = Path(name)
        if not name.startswith(LIBRARY) or not path.is_file():
            continue
        yield path
        compiled = path.parent / "__pycache__" / f"{path.stem}.cpython-311.pyc"
        if path.suffix == ".py" and compiled.is_file():
            yield compiled


def archive(files: Mapping[str, File]) -> bytes:
    """Return a cpio archive of the "newc" form, folders before what is in them, with the device of the console."""
    folders: dict[Path, None] = {Path("/dev"): None}
    for name in files:
        folders.update(dict.fromkeys(reversed(Path(name).parents[:-1])))
    return b"".join(
        [
            *(_member(str(folder), stat.S_IFDIR | 0o755) for folder in sorted(folders)),
            _member("/dev/console", stat.S_IFCHR | 0o600, device=CONSOLE),
            *(_member(name, stat.S_IFREG | 0o755, file.data, time=file.time) for name, file in files.items()),
            _member("/TRAILER!!!", 0),
        ]
    )


def _member(path: str, mode: int, data: bytes = b"", *, device: tuple[int, int] = (0, 0), time: int = 0) -> bytes:
    """Return one member."""
    name = path[1:].encode() + b"\0"
    numbers = (0, mode, 0, 0, 1, time, len(data), 0, 0, *device, len(name), 0)
    header = b"070701" + b"".join(b"%08x" % number for number in numbers) + name
    return header + bytes(-len(header) % 4) + data + bytes(-len(data) % 4)
