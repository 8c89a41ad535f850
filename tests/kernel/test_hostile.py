"""A hostile C program on the kernel: memory that is not its own, bad pointers, signals, unknown system calls."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.kernel import machine
from tests.programs import not_built

SOURCE = Path(__file__).parent / "apps" / "hostile.c"
KERNEL = Path(__file__).parents[2] / "kernel"
ROUNDS = int(os.environ.get("FATA_FUZZ_ROUNDS", "200000"))
SEED = int(os.environ.get("FATA_FUZZ_SEED", "0"))
CALLS_A_SECOND = 20_000  # at the least, emulated
# A piece each of the kernel's code, data, stack, threads, and page tables.
PLACES = ("kmain", "gdt", "kernel_guard", "threads", "pml4", "pdpt", "page_directories")


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """Link the program with the kernel; return the image and the kernel's addresses."""
    work = machine.RUNTIME / "work"
    if not_built():
        pytest.skip("no kernel object: `make runtime` builds it")
    path = tmp_path_factory.mktemp("hostile") / "image"
    flags = ["-O1", "-w", "-static", "-no-pie", "-fno-pie", "-Wl,--build-id=none", "-Wl,--no-warn-rwx-segments"]
    objects = [work / "kernel.o", work / "image.o"]
    subprocess.run(["gcc", *flags, f"-Wl,-T,{KERNEL / 'image.ld'}", "-o", path, SOURCE, *objects], check=True)
    symbols = subprocess.run(["nm", path], check=True, capture_output=True, text=True).stdout
    found = dict(reversed(row) for row in re.findall(r"^([0-9a-f]+) [a-zA-Z] (\w+)$", symbols, re.MULTILINE))
    return path, [found[name] for name in PLACES]


def run(hostile: tuple[Path, list[str]], part: str, cpu: str = "max", limit: float = machine.LIMIT) -> machine.Result:
    path, places = hostile
    return machine.boot(path, part, *places, extra=(*machine.DEBUG_EXIT, "-cpu", cpu), limit=limit)


@pytest.mark.qemu
def test_memory_protection(hostile: tuple[Path, list[str]]) -> None:
    """W^X, page 0, the kernel, its page tables and the local APIC are out of reach; privileged instructions fault."""
    assert run(hostile, "protection").output == "ok\n"


@pytest.mark.qemu
def test_signals_return(hostile: tuple[Path, list[str]]) -> None:
    """Handlers return to an unharmed program, wait while blocked, and interrupt a sleep."""
    assert run(hostile, "signals").output == "ok\n"


def test_signals_return_under_linux(hostile: tuple[Path, list[str]]) -> None:
    """Linux agrees with what the test of signals expects."""
    assert machine.as_process(hostile[0], "signals").output == "ok\n"


@pytest.mark.qemu
@pytest.mark.parametrize("cpu", ["max", "qemu64,+rdrand"])
def test_threads_keep_their_registers(hostile: tuple[Path, list[str]], cpu: str) -> None:
    """Threads that take turns do not see each other's SSE and AVX registers; also where there is no XSAVE."""
    assert run(hostile, "registers", cpu).output == "ok\n"


@pytest.mark.qemu
def test_bad_pointers_are_efault(hostile: tuple[Path, list[str]]) -> None:
    """Every pointer of a call is checked: the null page, the kernel, addresses that do not exist."""
    assert run(hostile, "pointers").output == "ok\n"


@pytest.mark.qemu
def test_random_calls_do_no_harm(hostile: tuple[Path, list[str]]) -> None:
    """Calls with hostile arguments; unknown ones are named, each once. `make nightly` makes more, with other seeds."""
    result = run(hostile, f"fuzz={ROUNDS},{SEED}", limit=machine.LIMIT + ROUNDS / CALLS_A_SECOND)
    lines = result.output.splitlines()
    assert (result.status, lines[-1]) == (0, "ok")
    named = [line for line in lines if "is not implemented" in line]
    assert len(named) == len(set(named))
    assert "fata: system call 333 (io_pgetevents) is not implemented" in named
