"""The peer of boot.py: Debian's Python as the first and only program of Debian's cloud kernel.

The kernel's package is downloaded and unpacked, never installed. The archive holds the interpreter, its shared
libraries, Debian's packages of the standard library as they are installed, compiled, and /init; for a program that
needs no more, the minimal package only. It is not compressed, which is quickest where everything is emulated.
"""

from __future__ import annotations

import re
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

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
LINE = "console=ttyS0 quiet"


def command(kind: str, folder: Path, memory: int = 256) -> list[str]:
    """Return the words that boot a program on q35; the kernel is put into `folder` unless it is there.

    Raises CalledProcessError when Debian's packages cannot be had.
    """
    folder.mkdir(parents=True, exist_ok=True)
    archive = folder / f"{kind}.cpio"
    program, packages = PROGRAMS[kind]
    archive.write_bytes(b"".join(_archive(program, packages)))
    return [
        *("qemu-system-x86_64", "-machine", "q35", "-accel", "tcg", "-cpu", "max", "-m", str(memory)),
        *("-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"),
        *("-kernel", str(_kernel(folder)), "-initrd", str(archive), "-append", LINE, "-serial", "stdio"),
    ]


def version(words: list[str]) -> str:
    """Return the version of the kernel that a command boots."""
    return Path(words[words.index("-kernel") + 1]).name.removeprefix("vmlinuz-")


def _kernel(folder: Path) -> Path:
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


def _files(packages: tuple[str, ...]) -> Iterator[Path]:
    """Yield the interpreter, its shared libraries, its modules and their compiled twins."""
    yield PYTHON
    yield from map(Path, re.findall(r"(/\S+) \(0x", _output("ldd", str(PYTHON))))
    for name in _output("dpkg-query", "-L", *packages).splitlines():
        path = Path(name)
        if not name.startswith(LIBRARY) or not path.is_file():
            continue
        yield path
        compiled = path.parent / "__pycache__" / f"{path.stem}.cpython-311.pyc"
        if path.suffix == ".py" and compiled.is_file():
            yield compiled


def _archive(program: str, packages: tuple[str, ...]) -> Iterator[bytes]:
    """Yield the members of a cpio archive of the "newc" form, folders before what is in them."""
    folders: dict[Path, None] = {Path("/dev"): None}
    files = list(dict.fromkeys(_files(packages)))
    for file in files:
        folders.update(dict.fromkeys(reversed(file.parents[:-1])))
    for folder in sorted(folders):
        yield _member(str(folder), stat.S_IFDIR | 0o755)
    yield _member("/dev/console", stat.S_IFCHR | 0o600, device=CONSOLE)
    yield _member("/init", stat.S_IFREG | 0o755, b"#!/usr/bin/python3.11 -IS\n" + program.encode())
    for file in files:
        yield _member(str(file), stat.S_IFREG | 0o755, file.read_bytes(), time=int(file.stat().st_mtime))
    yield _member("/TRAILER!!!", 0)


def _member(path: str, mode: int, data: bytes = b"", *, device: tuple[int, int] = (0, 0), time: int = 0) -> bytes:
    """Return one member; its time is what compiled modules are compared with."""
    name = path[1:].encode() + b"\0"
    numbers = (0, mode, 0, 0, 1, time, len(data), 0, 0, *device, len(name), 0)
    header = b"070701" + b"".join(b"%08x" % number for number in numbers) + name
    return header + bytes(-len(header) % 4) + data + bytes(-len(data) % 4)
