"""Which accelerator to run with: KVM where it is known to work, else TCG, which emulates."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from fata.errors import ConfigError
from fata.target.image.wheels import cache_folder
from fata.target.virtio import probe
from fata.target.virtio.qemu import QEMU


def memory() -> Path:
    """Return the file where the verdict on KVM is kept until the next boot of the host."""
    return cache_folder() / "kvm.json"


def choose(wanted: str, report: Callable[[str], None]) -> str:
    """Return "kvm" or "tcg". Raises ConfigError without QEMU, and when KVM is asked for and does not work."""
    qemu = shutil.which(QEMU)
    if qemu is None:
        raise ConfigError(f"there is no {QEMU} to run a machine", remedy="apt-get install qemu-system-x86")
    if wanted == "tcg":
        return wanted
    verdict = probe.kvm(qemu, memory())
    if verdict.works:
        return "kvm"
    if wanted == "kvm":
        raise ConfigError(
            f"KVM does not work here: {verdict.reason}", remedy="Leave --accel out, or write --accel tcg."
        )
    report(f"without KVM ({verdict.reason}) the guest is emulated (TCG), some ten times slower")
    return "tcg"
