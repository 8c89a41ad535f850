"""The peer of unikernel.py: examples/www on Debian's Python, as the only program of Debian's cloud kernel, in QEMU.

The kernel and the archive are made as in linux.py. Besides there are the modules of the network card, the program as
`fata build` makes it for unix, on host sockets, and what it imports, compiled. Two archives: `whole` has the standard
library as Debian installs it, `trimmed` only the modules that the program loads: the least that one could get by with.
"""

from __future__ import annotations

import json
import py_compile
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.linux import LIBRARY, LINE, WHOLE, File, archive, files_of, kernel
from fata.target.virtio.qemu import QEMU

ROOT = Path(__file__).parents[1]
SITE = ROOT / "examples" / "www"
INIT = ROOT / "benchmarks" / "linux_init.c"
KINDS = ("whole", "trimmed")
DRIVERS = (
    *("drivers/virtio/virtio_ring", "drivers/virtio/virtio", "drivers/virtio/virtio_pci_modern_dev"),
    *("drivers/virtio/virtio_pci_legacy_dev", "drivers/virtio/virtio_pci"),
    *("net/core/failover", "drivers/net/net_failover", "drivers/net/virtio_net"),
)
# Prints the files of all that the program has loaded once it has begun to listen, and of what an answer loads.
LOADED = """
import hashlib, json, runpy, sys
from fata.http import server
async def told(self, stack, host, port, tls):
    (await stack.create_server(lambda: None, host, 0)).close()
    specs = [getattr(module, "__spec__", None) for module in list(sys.modules.values())]
    files = [spec.origin for spec in specs if spec and spec.has_location]
    print(json.dumps([*files, "/usr/lib/python3.11/os.py"]))  # by which Python knows its library
server.Server.run = told
sys.argv = ["www"]
runpy.run_path(%r, run_name="__main__")
"""


class LinuxGuest:
    """The kernel and both archives, made in `folder`. Raises CalledProcessError when something cannot be had."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._kernel = kernel(folder)
        self.version = self._kernel.name.removeprefix("vmlinuz-")
        self._folder = folder
        _fata("build", str(SITE), "-t", "unix")
        program = SITE / "build" / "unix" / "www"
        loaded = [Path(name) for name in json.loads(_output(sys.executable, "-c", LOADED % str(program)))]
        made = {"/www": File(program.read_bytes()), **dict(self._kernels()), **dict(_packages(loaded))}
        whole = files_of(WHOLE)
        wanted = {str(path) for path in loaded} | {str(_twin(path)) for path in loaded}
        trimmed = {name: file for name, file in whole.items() if not name.startswith(LIBRARY) or name in wanted}
        for kind, library in zip(KINDS, (whole, trimmed), strict=True):
            self._archive(kind).write_bytes(archive(made | library))

    def command(self, kind: str, memory: int, port: int) -> list[str]:
        """Return the words that boot an archive on q35 with so many MiB; the host's `port` leads to its port 80."""
        return [
            *(QEMU, "-machine", "q35", "-accel", "tcg", "-cpu", "max", "-m", str(memory)),
            *("-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"),
            *("-kernel", str(self._kernel), "-initrd", str(self._archive(kind)), "-append", LINE, "-serial", "stdio"),
            *("-netdev", f"user,id=net0,hostfwd=tcp:127.0.0.1:{port}-:80"),
            *("-device", "virtio-net-pci,disable-legacy=on,netdev=net0"),
        ]

    def size(self, kind: str) -> int:
        """Return the octets of kernel and archive together."""
        return self._kernel.stat().st_size + self._archive(kind).stat().st_size

    def _archive(self, kind: str) -> Path:
        return self._folder / f"www-{kind}.cpio"

    def _kernels(self) -> Iterator[tuple[str, File]]:
        """Yield /init and the kernel's modules."""
        init = self._folder / "init"
        subprocess.run(["gcc", "-O2", "-static", "-o", str(init), str(INIT)], check=True)
        yield "/init", File(init.read_bytes())
        base = self._folder / "unpacked" / "lib" / "modules" / self.version / "kernel"
        for name in DRIVERS:
            yield f"/modules/{Path(name).name}.ko", File((base / f"{name}.ko").read_bytes())


def _packages(loaded: list[Path]) -> Iterator[tuple[str, File]]:
    """Yield what the program loads of fata and its packages, with compiled twins that are never compared."""
    with tempfile.TemporaryDirectory() as scratch:
        for path in loaded:
            parts = path.parts
            top = next((parts.index(name) for name in ("site-packages", "src") if name in parts), None)
            if top is None or path.suffix != ".py":
                continue
            inside = Path("/packages", *parts[top + 1 :])
            compiled = Path(scratch) / "compiled"
            mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
            py_compile.compile(str(path), str(compiled), str(inside), doraise=True, invalidation_mode=mode)
            yield str(inside), File(path.read_bytes())
            yield str(_twin(inside)), File(compiled.read_bytes())


def _twin(path: Path) -> Path:
    return path.parent / "__pycache__" / f"{path.stem}.cpython-311.pyc"


def _fata(*words: str) -> None:
    subprocess.run([sys.executable, "-m", "fata.tool.main", *words], check=True, stderr=subprocess.DEVNULL)


def _output(*words: str) -> str:
    return subprocess.run(words, check=True, text=True, stdout=subprocess.PIPE, cwd=SITE).stdout
