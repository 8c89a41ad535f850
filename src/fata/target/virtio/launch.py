"""Runs QEMU for a user: the terminal stays the user's, Ctrl-C reaches the guest, the guest's exit status comes back.

QEMU is put in a session of its own and never touches the terminal. So lines are edited and echoed as they are for a
process, a signal goes to us alone, and the terminal is as it was however QEMU ends. Ctrl-C becomes the octet 0x03 on
the guest's console, which is SIGINT there; SIGTERM becomes a press of the power button. Who is in a hurry presses
Ctrl-C again.
"""

from __future__ import annotations

import ctypes
import os
import selectors
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from types import FrameType
from typing import BinaryIO

from fata.errors import ConfigError
from fata.target.virtio.console import ConsoleFilter

INTERRUPT = b"\x03"
TOLD_ON_CONSOLE = 0x7F  # the exit device carries seven bits; greater statuses are told on the console
SHELL_BASE = 128
CHUNK = 1 << 16
PATIENCE = 10  # seconds for a guest whose power button was pressed
PARENT_DEATH = 1  # PR_SET_PDEATHSIG

HELLO = b'{"execute": "qmp_capabilities"}\n'
POWER_BUTTON = b'{"execute": "system_powerdown"}\n'

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
        return _Guest(process, ours, report).serve()


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


class _Guest:
    def __init__(self, process: subprocess.Popen[bytes], control: socket.socket, report: Callable[[str], None]) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self.process = process
        self.control = control
        self.report = report
        self.typed = process.stdin
        self.written = process.stdout
        self.console = ConsoleFilter()
        self.answered = False  # whether QEMU has come as far as its main loop
        self.interrupts = 0
        self.forced: int | None = None  # the status of who was not waited for

    def serve(self) -> int:
        """Pass octets on until the guest ends; return the exit status."""
        wake, woken = socket.socketpair()
        wake.setblocking(False)
        previous = signal.set_wakeup_fd(wake.fileno(), warn_on_full_buffer=False)
        handlers = {
            number: signal.signal(number, _nothing) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM)
        }
        try:
            self.control.sendall(HELLO)
            self._loop(woken)
        finally:
            signal.alarm(0)
            for number, handler in handlers.items():
                signal.signal(number, handler)
            signal.set_wakeup_fd(previous)
            wake.close()
            woken.close()
        return self._status()

    def _loop(self, woken: socket.socket) -> None:
        with selectors.SelectSelector() as selector:  # epoll takes no plain file, and standard input may be one
            selector.register(self.written, selectors.EVENT_READ, self._show)
            selector.register(self.control, selectors.EVENT_READ, self._answer)
            selector.register(woken, selectors.EVENT_READ, lambda: self._signals(woken.recv(CHUNK)))
            if _can_be_waited_for(sys.stdin):
                selector.register(sys.stdin, selectors.EVENT_READ, self._type)
            while True:
                for key, _ in selector.select():
                    ended = key.data() is False
                    if ended and key.fileobj is self.written:
                        return
                    if ended:
                        selector.unregister(key.fileobj)

    def _show(self) -> bool:
        octets = os.read(self.written.fileno(), CHUNK)
        _write(self.console.feed(octets))
        return bool(octets)

    def _type(self) -> bool:
        octets = os.read(sys.stdin.fileno(), CHUNK)
        self._send(octets)
        return bool(octets)

    def _send(self, octets: bytes) -> None:
        try:
            self.typed.write(octets)
        except BrokenPipeError:
            pass  # it has just ended

    def _answer(self) -> bool:
        octets = self.control.recv(CHUNK)
        self.answered = self.answered or b'"return"' in octets
        return bool(octets)

    def _signals(self, numbers: bytes) -> bool:
        for number in numbers:
            match number:
                case signal.SIGINT:
                    self._interrupt()
                case signal.SIGTERM:
                    self._press_power_button()
                case signal.SIGALRM:
                    self._force(
                        SHELL_BASE + signal.SIGTERM, f"the guest did not stop within {PATIENCE} s; it was ended"
                    )
        return True

    def _interrupt(self) -> None:
        self.interrupts += 1
        if self.interrupts == 1 and self.answered:
            self._send(INTERRUPT)
        else:
            self._force(SHELL_BASE + signal.SIGINT, "the guest was ended")

    def _press_power_button(self) -> None:
        try:
            self.control.sendall(POWER_BUTTON)
        except OSError:
            return
        signal.alarm(PATIENCE)

    def _force(self, status: int, text: str) -> None:
        self.forced = status
        self.report(text)
        self.process.kill()

    def _status(self) -> int:
        left, told = self.console.finish()
        _write(left)
        code = self.process.wait()
        if self.forced is not None:
            return self.forced
        if code == 1 and not self.answered:
            raise ConfigError("QEMU did not start", remedy="Its own message stands above.")
        return exit_status(code, told)


def exit_status(code: int, told: int | None) -> int:
    """Return the program's status: from QEMU's, or, where that cannot carry it, from what the console told.

    An odd status of QEMU's is the guest's, times two, plus one; 0 is a machine that was switched off in another way.
    """
    if code < 0:
        return SHELL_BASE - code
    if code % 2 == 0:
        return told if told is not None else code
    status = code >> 1
    return told if status == TOLD_ON_CONSOLE and told is not None else status


def _can_be_waited_for(stream: object) -> bool:
    """Say whether standard input is open."""
    try:
        with selectors.SelectSelector() as selector:
            selector.register(stream, selectors.EVENT_READ)  # type: ignore[arg-type]
    except (ValueError, AttributeError):
        return False
    return True


def _write(octets: bytes) -> None:
    output: BinaryIO = sys.stdout.buffer
    output.write(octets)
    output.flush()


def _nothing(_number: int, _frame: FrameType | None) -> None:
    """The wake-up descriptor tells of the signal."""
