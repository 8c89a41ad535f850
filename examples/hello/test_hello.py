"""`fata run examples/hello`, and the class alone."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path

from examples.hello.app import Hello
from fata.driver.console.memory import MemoryConsole


def test_prints_the_lines_and_exits() -> None:
    words = ["run", str(Path(__file__).parent), "--name", "world", "--count", "3"]
    done = subprocess.run(
        [sys.executable, "-m", "fata.tool.main", *words], capture_output=True, text=True, timeout=30, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "hello world\n" * 3, "")


def test_greets_by_name(console: MemoryConsole, drive: Callable[[Coroutine[object, object, None]], None]) -> None:
    drive(Hello(console, name="Ada", count=2).run())
    assert console.output == "hello Ada\nhello Ada\n"
