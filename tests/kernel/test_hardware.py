"""What the machine offers: Ctrl-C, the power button, much memory, boot-time files, registers, events, the date."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest

from tests.kernel import machine
from tests.kernel.conftest import Make

pytestmark = pytest.mark.qemu
FIRECRACKER = "microvm,acpi=off,pit=on,pic=off,rtc=off"

SLEEPER = """
import signal, sys, time
def stop(number, frame):
    print("SIGTERM"); sys.exit(143)
signal.signal(signal.SIGTERM, stop)
print("ready")
try:
    while True: time.sleep(0.5)  # a signal just before the sleep is seen after it: so it is in every Python
except KeyboardInterrupt:
    print("interrupted"); sys.exit(130)
"""


def finish(process: subprocess.Popen[bytes], seen: bytes) -> machine.Result:
    rest, _ = process.communicate(timeout=machine.LIMIT)
    output = (seen + rest).decode()
    return machine.Result(machine.ending(process.returncode, output), output, 0.0)


@pytest.mark.parametrize("kind", ["microvm", "q35", FIRECRACKER])
def test_ctrl_c_is_keyboardinterrupt(make: Make, kind: str) -> None:
    """The octet 0x03 on the serial line ends a sleep, as in a terminal."""
    extra = machine.DEBUG_EXIT if kind != FIRECRACKER else ()
    with machine.running(machine.command(make(SLEEPER, uses=("signal",)), "", kind, 64, *extra)) as process:
        seen = machine.read_until(process, b"ready\n")
        assert process.stdin is not None
        process.stdin.write(b"\x03")
        process.stdin.flush()
        result = finish(process, seen)
    assert "ready\ninterrupted\n" in result.output
    assert result.status == 130


@pytest.mark.parametrize("kind", ["microvm", "q35"])
def test_the_power_button_is_sigterm(make: Make, kind: str, tmp_path: Path) -> None:
    """ACPI's power button asks the program to end."""
    monitor = tmp_path / "qmp"
    extra = (*machine.DEBUG_EXIT, "-qmp", f"unix:{monitor},server=on,wait=off")
    with machine.running(machine.command(make(SLEEPER, uses=("signal",)), "", kind, 64, *extra)) as process:
        seen = machine.read_until(process, b"ready\n")
        with socket.socket(socket.AF_UNIX) as qmp:
            qmp.connect(os.fspath(monitor))
            for command in ("qmp_capabilities", "system_powerdown"):
                qmp.sendall(json.dumps({"execute": command}).encode())
            result = finish(process, seen)
    assert result.output.startswith("ready\nSIGTERM\n")
    assert result.status == 143


def test_a_program_without_handlers_is_ended(make: Make) -> None:
    """SIGTERM's default ends the program with 143 and no report: it was asked for."""
    result = machine.boot(make("import os\nos.kill(os.getpid(), 15)\n"))
    assert (result.status, result.output) == (128 + signal.SIGTERM, "exit status 143\n")


def test_firecrackers_look_alike(make: Make) -> None:
    """Without ACPI, RTC and isa-debug-exit: devices come on the boot line, the date is known to be unset."""
    program = """
import os, sys, time, _hw
print(sys.argv[1:], os.environ["FATA_VIRTIO_MMIO"], _hw.machine()["wall_set"], time.time() < 3600)
"""
    line = "--key=1 virtio_mmio.device=4K@0xd0000000:5 virtio_mmio.device=4K@0xd0001000:6 last"
    result = machine.boot(make(program), machine=FIRECRACKER, line=line, extra=())
    words, devices = result.output.split("] ")
    assert words == "['--key=1', 'last'"
    assert devices.startswith("4K@0xd0000000:5 4K@0xd0001000:6")
    assert devices.rstrip().endswith("False True")
    assert result.status == 0


def test_memory_above_4_gib_is_used(make: Make) -> None:
    """Of 6 GiB almost all can be had, also in one piece above 4 GiB; what is not touched costs the host nothing."""
    program = """
import _hw
total = _hw.machine()["pages_total"] * 4096
big = bytearray(64 << 20)
big[0] = big[-1] = 7
print(total > 5.8 * 2**30, _hw.address(big) > 2**32, big[0] + big[-1])
address, view = _hw.dma(16)
print(address < 2**32, len(view), any(view))
"""
    result = machine.boot(make(program), machine="q35", memory=6000)
    assert result.output == "True True 14\nTrue 65536 False\n"


def archive(files: dict[str, bytes]) -> bytes:
    """Write a cpio archive of the form `newc`, as docs/spec/boot.md asks for."""
    octets = b""
    for name, data in {**files, "TRAILER!!!": b""}.items():
        raw = name.encode() + b"\0"
        fields = (0, 0o100644, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(raw), 0)
        octets += b"070701" + "".join(f"{field:08X}" for field in fields).encode() + raw
        octets += bytes(-len(octets) % 4) + data
        octets += bytes(-len(octets) % 4)
    return octets


@pytest.mark.parametrize("kind", ["microvm", "q35"])
def test_boot_time_files(make: Make, tmp_path: Path, kind: str) -> None:
    """Files that come with the boot lie under /boot, read-only; a missing one is FileNotFoundError."""
    files = {"key.pem": b"secret", "Zoë": b"", "big": bytes(range(256)) * 1000}
    program = f"""
import os
print(sorted(os.listdir("/boot")), [len(open("/boot/" + name, "rb").read()) for name in {sorted(files)!r}])
print(open("/boot/big", "rb").read() == bytes(range(256)) * 1000)
for mode in ("wb", "ab"):
    try: open("/boot/key.pem", mode)
    except OSError as error: print(error)
open("/boot/missing")
"""
    path = tmp_path / "files"
    path.write_bytes(archive(files))
    result = machine.boot(make(program), machine=kind, extra=(*machine.DEBUG_EXIT, "-initrd", str(path)))
    assert result.output.startswith("['Zoë', 'big', 'key.pem'] [0, 256000, 6]\nTrue\n")
    assert result.output.count("Read-only file system: '/boot/key.pem'") == 2
    assert "FileNotFoundError: [Errno 2] No such file or directory: '/boot/missing'" in result.output


@pytest.mark.parametrize(
    "damage", [lambda a: a[:-130], lambda a: b"PK" + a[2:], lambda a: a[:54] + b"FFFFFFFF" + a[62:]]
)
def test_damaged_boot_time_files(make: Make, tmp_path: Path, damage: object) -> None:
    """An archive that cannot be read is told in one sentence."""
    path = tmp_path / "files"
    path.write_bytes(damage(archive({"a": b"x" * 1000})))  # type: ignore[operator]
    result = machine.boot(make("print('hello')\n"), extra=(*machine.DEBUG_EXIT, "-initrd", str(path)))
    assert "boot-time files" in result.output
    assert "hello" not in result.output


def test_tmp_is_bounded(make: Make) -> None:
    """Writing to /tmp ends with ENOSPC long before memory does, and what is removed can be written again."""
    program = """
import errno, os, _hw
for _ in range(3):
    with open("/tmp/fill", "wb") as file:
        try:
            while True: written = file.write(bytes(100_000))
        except OSError as error:
            print(error.errno == errno.ENOSPC, os.stat("/tmp/fill").st_size * 10 > _hw.machine()["pages_total"] * 4096)
    os.unlink("/tmp/fill")
"""
    assert machine.boot(make(program)).output == "True True\n" * 3


def test_console_input_is_standard_input(make: Make) -> None:
    """Lines typed on the serial line arrive, a carriage return as a newline; waiting for them is sleep, not work."""
    program = "print('ready')\nwhile (line := input()) != 'end': print([line])\n"
    with machine.running(machine.command(make(program), "", "microvm", 64, *machine.DEBUG_EXIT)) as process:
        seen = machine.read_until(process, b"ready\n")
        assert process.stdin is not None
        process.stdin.write("Zoë ☃\rtwo\nend\n".encode())
        process.stdin.flush()
        result = finish(process, seen)
    assert result.output == "ready\n['Zoë ☃']\n['two']\n"


EVENTS = """
import threading, time, _hw
began = time.monotonic_ns()
assert _hw.wait(began + 50_000_000) == 0
assert 50_000_000 <= time.monotonic_ns() - began < 1_000_000_000
threading.Timer(0.05, _hw.wake).start()
assert _hw.wait(time.monotonic_ns() + 10_000_000_000) == _hw.WAKE
_hw.wake(); _hw.wake()
assert _hw.wait(0) == _hw.WAKE and _hw.wait(0) == 0
# The PIT's channel 0 through the IOAPIC's pin 2: an interrupt that any machine can make.
ioapic = _hw.map(0xfec00000, 32)
def route(pin, value):
    _hw.store(ioapic, 0, 4, 0x10 + 2 * pin); _hw.store(ioapic, 16, 4, value)
route(2, _hw.FIRST_VECTOR + 9)
_hw.port_out(0x43, 1, 0x34); _hw.port_out(0x40, 1, 0xff); _hw.port_out(0x40, 1, 0x20)
assert _hw.wait(time.monotonic_ns() + 10_000_000_000) == 1 << 9
route(2, 1 << 16)
for bad in (0x100000, 0xfee00000, 0, 0x2000):
    try: _hw.map(bad, 4096)
    except OSError as error: assert error.errno == 13, error
    else: raise AssertionError(hex(bad))
for bad in ((view := memoryview(bytearray(8)), 5, 4), (view, 8, 1), (view, -1, 1), (view, 0, 3), (view, 1, 2)):
    try: _hw.load(*bad)
    except ValueError: pass
    else: raise AssertionError(bad)
print("ok")
"""


@pytest.mark.parametrize("kind", ["microvm", "q35"])
def test_events_registers_and_interrupts(make: Make, kind: str) -> None:
    """The `_hw` module: waiting, waking, a real interrupt, and ranges that are refused."""
    assert machine.boot(make(EVENTS, uses=("threading",)), machine=kind).output == "ok\n"


def test_virtio_registers_are_reachable(make: Make) -> None:
    """The magic number of a virtio-mmio device, and the host bridge's identity over PCI's ports."""
    program = "import _hw\nprint(hex(_hw.load(_hw.map(0xfeb00000, 512), 0, 4)))\n"
    assert machine.boot(make(program)).output == "0x74726976\n"
    program = "import _hw\n_hw.port_out(0xcf8, 4, 1 << 31)\nprint(hex(_hw.port_in(0xcfc, 4)))\n"
    assert machine.boot(make(program), machine="q35").output == "0x29c08086\n"


@pytest.mark.parametrize("kind", ["microvm", "q35"])
def test_the_date_is_known(make: Make, kind: str) -> None:
    """The RTC's date is the host's, to the second or two."""
    output = machine.boot(make("import time\nprint(time.time())\n"), machine=kind).output
    assert abs(float(output) - time.time()) < 3


def test_the_clock_keeps_pace(make: Make) -> None:
    """A second of the guest is a second of the host, within 2 %."""
    program = "import time\nprint('go')\ntime.sleep(2)\nprint('done')\n"
    with machine.running(machine.command(make(program), "", "microvm", 64, *machine.DEBUG_EXIT)) as process:
        machine.read_until(process, b"go\n")
        began = time.monotonic()
        machine.read_until(process, b"done\n")
        assert abs(time.monotonic() - began - 2.0) < 0.04 + 0.1  # reading the pipe every 10 ms, on a busy host


def test_idle_is_halted(make: Make) -> None:
    """A program that waits costs next to nothing."""
    program = "import time\nprint('go')\ntime.sleep(3)\n"
    with machine.running(machine.command(make(program), "", "microvm", 64, *machine.DEBUG_EXIT)) as process:
        machine.read_until(process, b"go\n")
        before = cpu_seconds(process.pid)
        time.sleep(2)
        assert cpu_seconds(process.pid) - before < 0.06
        process.communicate(timeout=machine.LIMIT)


def cpu_seconds(process: int) -> float:
    fields = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
