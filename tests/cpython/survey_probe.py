"""The process in which `survey.py` runs a module: the guest's runner, under an ear for processes and sockets.

Usage: survey_probe.py LIB BUILTIN,… MODULE, by the guest's Python. LIB comes first on its path, then Debian's folders.
"""

from __future__ import annotations

import os
import resource
import sys
from collections.abc import Sequence
from importlib.machinery import EXTENSION_SUFFIXES, ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType

LEFT_OUT = {
    "distutils",
    "ensurepip",
    "idlelib",
    "lib2to3",
    "msilib",
    "tkinter",
    "turtledemo",
}  # as stdlib.py leaves out
PROCESSES = {"os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.spawn", "os.system", "subprocess.Popen"}
INTERNET = (-1, 2, 10)  # families of socket(): not given, AF_INET, AF_INET6
NETWORK = {"socket.bind", "socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto"}


class Lacks:
    """Finds that compiled modules which the runtime lacks are not there.

    It is not derived from importlib.abc: importing that would bring some of them.
    """

    def __init__(self, builtin: frozenset[str]) -> None:
        self.builtin = builtin

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        spec = PathFinder.find_spec(name, path)
        compiled = spec is not None and str(spec.origin).endswith(tuple(EXTENSION_SUFFIXES))
        if name in LEFT_OUT or (compiled and name not in self.builtin):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return None


def main(lib: str, builtin: str, name: str) -> None:
    """Run the module and tell what it did, after its results."""
    sys.path[:] = [lib, *(place for place in sys.path if "python3.11" in place)]
    sys.meta_path.insert(0, Lacks(frozenset(builtin.split(","))))
    sys.path.append(str(Path(__file__).parents[2]))
    from tests.cpython import guest

    counts = {"processes": 0, "network": 0}

    def listen(event: str, arguments: tuple[object, ...]) -> None:
        counts["processes"] += event in PROCESSES
        counts["network"] += event in NETWORK or (event == "socket.__new__" and arguments[1] in INTERNET)

    support = guest.switched(processes=False, sockets=False)
    sys.addaudithook(listen)
    guest.run_module(name, support)
    used = resource.getrusage(resource.RUSAGE_SELF)
    written = next(line for line in Path("/proc/self/io").read_text().splitlines() if line.startswith("wchar"))
    guest.tell(seconds=round(used.ru_utime + used.ru_stime, 2), written=int(written.split()[1]), **counts)
    os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
