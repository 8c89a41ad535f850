"""`fata run -t virtio --gdb` waits for a debugger, which then sees the kernel's own names and lines."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.programs import needs, needs_runtime

HELLO = Path(__file__).parents[3] / "examples" / "hello"
SCRIPT = ["target remote :1234", "hbreak kmain", "continue", "backtrace 2", "delete", "detach"]


@pytest.mark.qemu
@needs("qemu-system-x86_64")
@needs("gdb")
@needs_runtime()
def test_gdb_stops_in_the_kernel_and_the_program_goes_on() -> None:
    words = [sys.executable, "-m", "fata.tool.main", "run", str(HELLO), "-t", "virtio", "--gdb"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as guest:
        try:
            assert guest.stderr is not None
            asked = next(line for line in guest.stderr if "waiting for gdb" in line)
            symbols = re.search(r"gdb (\S+) -ex", asked)
            assert symbols is not None
            commands = [word for command in SCRIPT for word in ("-ex", command)]
            gdb = ["gdb", "-nx", "-batch", "-ex", "set tcp auto-retry on", *commands, symbols[1]]
            told = subprocess.run(gdb, capture_output=True, text=True, timeout=30, check=False).stdout
            assert re.search(r"#0 +kmain .* at .*kernel/kmain\.c:\d+", told), told
            answer, _ = guest.communicate(timeout=30)
        finally:
            guest.kill()
    assert answer == "hello world\n"
    assert guest.returncode == 0
