"""A guest that runs: its console, the user's terminal and signals, QEMU's control socket, all in one loop."""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from types import FrameType
from typing import BinaryIO

from fata.errors import ConfigError
from fata.target.virtio.console import ConsoleFilter

INTERRUPT = b"\x03"
TOLD_ON_CONSOLE = 0x7F  # the exit device carries seven bits; greater statuses are told on the console
SHELL_BASE = 128
CHUNK = 1 << 16
# Seconds for a guest whose power button was pressed. What it may need adds up to 14.5: requests have 5 and their tasks
# 1, an application's own end as much again, the network 2 for what was written and 0.5 for its last words.
PATIENCE = 20
DEAF = (
    0.7  # seconds for a guest to set its serial port up, unless it has written before: what comes earlier may be lost
)

HELLO = b'{"execute": "qmp_capabilities"}\n'
POWER_BUTTON = b'{"execute": "system_powerdown"}\n'


class Guest:
    """QEMU with a machine in it. `control` speaks QMP; `report` is told what the user has to know."""

    def __init__(self, process: subprocess.Popen[bytes], control: socket.socket, report: Callable[[str], None]) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._process = process
        self._control = control
        self._report = report
        self._typed = process.stdin.fileno()
        self._written = process.stdout.fileno()
        os.set_blocking(self._typed, False)
        self._console = ConsoleFilter()
        self._hears = False  # whether its serial port takes what is typed
        self._unheard = b""
        self._answered = False  # whether QEMU has come as far as its main loop
        self._interrupts = 0
        self._forced: int | None = None  # the status of who was not waited for

    def serve(self) -> int:
        """Pass octets and signals on until the guest ends; return the program's exit status.

        Raises ConfigError when QEMU ended before the guest began.
        """
        with ExitStack() as stack:
            wake, woken = socket.socketpair()
            stack.enter_context(wake)
            stack.enter_context(woken)
            wake.setblocking(False)
            stack.callback(signal.set_wakeup_fd, signal.set_wakeup_fd(wake.fileno(), warn_on_full_buffer=False))
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM):
                stack.callback(signal.signal, number, signal.signal(number, _nothing))
            stack.callback(signal.alarm, 0)
            self._order(HELLO)
            self._loop(woken)
        return self._status()

    def _loop(self, woken: socket.socket) -> None:
        sources: dict[int, Callable[[], bool]] = {
            self._written: self._show,
            self._control.fileno(): self._answer,
            woken.fileno(): lambda: self._signals(woken.recv(CHUNK)),
        }
        keyboard = _descriptor(sys.stdin)
        if keyboard is not None:
            sources[keyboard] = lambda: self._type(keyboard)
        deadline = time.monotonic() + DEAF
        while self._written in sources:
            # Who does not listen is not read to: a long input waits where it is.
            reading = [source for source in sources if source != keyboard or len(self._unheard) < CHUNK]
            writing = [self._typed] if self._hears and self._unheard else []
            patience = None if self._hears else max(0.0, deadline - time.monotonic())
            readable, writable, _ = select.select(reading, writing, [], patience)
            self._hears = self._hears or time.monotonic() >= deadline
            if writable:
                self._send()
            for source in readable:
                if not sources[source]():
                    del sources[source]

    def _show(self) -> bool:
        octets = os.read(self._written, CHUNK)
        self._hears = True
        _write(self._console.feed(octets))
        return bool(octets)

    def _type(self, keyboard: int) -> bool:
        octets = os.read(keyboard, CHUNK)
        self._unheard += octets
        return bool(octets)

    def _send(self) -> None:
        try:
            self._unheard = self._unheard[os.write(self._typed, self._unheard) :]
        except BlockingIOError:
            pass
        except BrokenPipeError:
            self._unheard = b""  # it has just ended

    def _answer(self) -> bool:
        try:
            octets = self._control.recv(CHUNK)
        except ConnectionResetError:
            return False
        self._answered = self._answered or b'"return"' in octets
        return bool(octets)

    def _order(self, words: bytes) -> bool:
        try:
            self._control.sendall(words)
        except OSError:
            return False  # it has ended, or never began
        return True

    def _signals(self, numbers: bytes) -> bool:
        for number in numbers:
            match number:
                case signal.SIGINT:
                    self._interrupt()
                case signal.SIGTERM if self._order(POWER_BUTTON):
                    signal.alarm(PATIENCE)
                case signal.SIGALRM:
                    self._force(
                        SHELL_BASE + signal.SIGTERM, f"the guest did not stop within {PATIENCE} s; it was ended"
                    )
        return True

    def _interrupt(self) -> None:
        self._interrupts += 1
        if self._interrupts == 1:
            self._unheard = INTERRUPT + self._unheard
        else:
            self._force(SHELL_BASE + signal.SIGINT, "the guest was ended")

    def _force(self, status: int, text: str) -> None:
        self._forced = status
        self._report(text)
        self._process.kill()

    def _status(self) -> int:
        left, told = self._console.finish()
        _write(left)
        code = self._process.wait()
        if self._forced is not None:
            return self._forced
        if code == 1 and not self._answered:
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


def _descriptor(stream: object) -> int | None:
    """Return the number of an open stream; None for one that is closed or was never there."""
    try:
        number: int = stream.fileno()  # type: ignore[attr-defined]
        os.fstat(number)
    except (AttributeError, OSError, ValueError):
        return None
    return number


def _write(octets: bytes) -> None:
    output: BinaryIO = sys.stdout.buffer
    output.write(octets)
    output.flush()


def _nothing(_number: int, _frame: FrameType | None) -> None:
    """The wake-up descriptor tells of the signal."""
