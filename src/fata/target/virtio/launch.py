"""Runs QEMU for a user: the terminal stays the user's, Ctrl-C reaches the guest, the guest's exit status comes back.

QEMU is put in a session of its own and never touches the terminal. So lines are edited and echoed as they are for a
process, a signal goes to us alone, and the terminal is as it was however QEMU ends. Ctrl-C becomes the octet 0x03 on
the guest's console, which is SIGINT there; SIGTERM becomes a press of the power button. Who is in a hurry presses
Ctrl-C again.
"""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import subprocess
from collections.abc import Callable, Sequence
from contextlib import ExitStack

from fata.errors import ConfigError
from fata.target.virtio.guest import Guest

PARENT_DEATH = 1  # PR_SET_PDEATHSIG

Compose = Callable[[int, str | None], list[str]]
"""Makes QEMU's words, given its control socket and the path of the boot-time files."""


def run(compose: Compose, files: bytes | None, report: Callable[[str], None]) -> int:
    """Run a guest until it ends and return the program's exit status. Raises ConfigError when QEMU does not start."""
    with ExitStack() as stack:
        ours, theirs = socket.socketpair()
        stack.enter_context(ours)
        inherited = [theirs.fileno()]
        if files is not None:
            archive = os.memfd_create("fata-boot-files")  # they may be secrets: they touch no disk
            stack.callback(os.close, archive)
            os.write(archive, files)
            inherited.append(archive)
        path = None if files is None else f"/proc/self/fd/{inherited[1]}"
        with theirs:
            process = _start(compose(theirs.fileno(), path), inherited)
        stack.callback(_end, process)
        return Guest(process, ours, report).serve()


def _start(words: Sequence[str], inherited: Sequence[int]) -> subprocess.Popen[bytes]:
    library = ctypes.CDLL(None)
    try:
        return subprocess.Popen(
            words,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
            pass_fds=inherited,
            start_new_session=True,
            preexec_fn=lambda: library.prctl(PARENT_DEATH, signal.SIGKILL),  # no guest without its terminal
        )
    except FileNotFoundError:
        raise ConfigError(f"there is no {words[0]}", remedy="apt-get install qemu-system-x86") from None


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()
