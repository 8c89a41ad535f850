"""Does KVM work here? The only proof is a guest that runs: /dev/kvm may open and run nothing.

The guest is 44 octets of machine code. It does what hosts without real virtualisation are known to fail at (SSE
instructions in ring 0), then leaves with a status of its own choice. The verdict is kept until the host is booted
again.
"""

from __future__ import annotations

import json
import os
import struct
import subprocess
import tempfile
from pathlib import Path
from typing import NamedTuple

PATIENCE = 3.0  # seconds
DEVICE = Path("/dev/kvm")
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
BASE = 0x100000  # where the guest is loaded
ANSWER = 42
ANSWERED = ANSWER << 1 | 1  # as isa-debug-exit makes a status of it

_ELF = struct.Struct("<16sHHIQQQIHHHHHH")
_SEGMENT = struct.Struct("<IIQQQQQQ")
_NOTE = struct.Struct("<III4sQ")  # sizes of name and descriptor, type, "Xen", the 32-bit entry
_PVH_ENTRY = 18  # XEN_ELFNOTE_PHYS32_ENTRY


class Verdict(NamedTuple):
    """Whether guests run; `reason` says why not."""

    works: bool
    reason: str


def tiny_guest() -> bytes:
    """Return an ELF file that a PVH loader starts in 32-bit mode, and that exits with `ANSWER`."""
    headers = _ELF.size + 2 * _SEGMENT.size
    code_at = headers + _NOTE.size
    code = b"".join(
        (
            bytes.fromhex("0f20e0 0d00060000 0f22e0"),  # cr4 |= OSFXSR | OSXMMEXCPT
            bytes.fromhex("0f20c0 83e0fb 83c802 0f22c0"),  # cr0: EM off, MP on
            bytes.fromhex("0fae15"),  # ldmxcsr [control]
            struct.pack("<I", BASE + code_at + 40),
            bytes.fromhex("0f57c0"),  # xorps xmm0, xmm0
            bytes((0xB0, ANSWER, 0xE6, 0xF4)),  # mov al, ANSWER; out 0xf4, al
            bytes.fromhex("f4 ebfd"),  # hlt, for ever
        )
    ).ljust(40, b"\x90") + struct.pack("<I", 0x1F80)  # control: MXCSR as after a reset
    note = _NOTE.pack(4, 8, _PVH_ENTRY, b"Xen\0", BASE + code_at)
    size = code_at + len(code)
    identity = b"\x7fELF\x02\x01\x01".ljust(16, b"\0")
    elf = _ELF.pack(identity, 2, 62, 1, BASE + code_at, _ELF.size, 0, 0, _ELF.size, _SEGMENT.size, 2, 0, 0, 0)
    load = _SEGMENT.pack(1, 7, 0, BASE, BASE, size, size, 4096)
    notes = _SEGMENT.pack(4, 4, headers, BASE + headers, BASE + headers, _NOTE.size, _NOTE.size, 4)
    return elf + load + notes + note + code


def boots(qemu: str, accel: str, patience: float = PATIENCE) -> Verdict:
    """Boot the tiny guest under an accelerator."""
    with tempfile.NamedTemporaryFile(prefix="fata-probe-") as file:
        file.write(tiny_guest())
        file.flush()
        command = [
            *(qemu, "-machine", "microvm", "-accel", accel, "-cpu", "max", "-m", "16", "-kernel", file.name),
            *("-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"),
            *("-device", "isa-debug-exit,iobase=0xf4,iosize=4"),
        ]
        try:
            done = subprocess.run(
                command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=patience, check=False
            )
        except subprocess.TimeoutExpired as late:
            said = (late.stderr or b"").decode(errors="replace")  # octets, whatever text= says
            return Verdict(False, _first_line(said) or f"a guest ran for {patience:g} s and got nowhere")
        except OSError as error:
            return Verdict(False, f"{qemu}: {error.strerror}")
    if done.returncode == ANSWERED:
        return Verdict(True, "")
    return Verdict(False, _first_line(done.stderr) or f"QEMU ended with status {done.returncode}")


def _first_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[0].removeprefix("qemu-system-x86_64: ").removeprefix("error: ") if lines else ""


def kvm(qemu: str, memory: Path, device: Path = DEVICE) -> Verdict:
    """Say whether KVM runs guests on this host. `memory` is the file where the answer is kept until the next boot."""
    if not device.exists():
        return Verdict(False, f"there is no {device}")
    if not os.access(device, os.R_OK | os.W_OK):
        return Verdict(False, f"{device} may not be opened")
    boot = BOOT_ID.read_text(encoding="ascii").strip()
    known = _recall(memory, boot, qemu)
    if known is not None:
        return known
    verdict = boots(qemu, "kvm")
    _remember(memory, boot, qemu, verdict)
    return verdict


def _recall(memory: Path, boot: str, qemu: str) -> Verdict | None:
    try:
        kept = json.loads(memory.read_text(encoding="utf-8"))
        if kept["boot"] != boot or kept["qemu"] != qemu:
            return None
        return Verdict(bool(kept["works"]), str(kept["reason"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _remember(memory: Path, boot: str, qemu: str, verdict: Verdict) -> None:
    try:
        memory.parent.mkdir(parents=True, exist_ok=True)
        memory.write_text(json.dumps({"boot": boot, "qemu": qemu, **verdict._asdict()}), encoding="utf-8")
    except OSError:
        return  # then it is asked again
