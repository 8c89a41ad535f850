"""What goes wrong is told clearly: in the program, in the kernel, with the machine's size, with the image."""

from __future__ import annotations

from pathlib import Path

import pytest

from fata.errors import StateError
from fata.target.image import elf
from tests.kernel import machine
from tests.kernel.conftest import Make

HELLO = "print('hello')\n"
EVERYWHERE = pytest.mark.parametrize("where", [pytest.param("machine", marks=pytest.mark.qemu), "linux"])


def run(path: Path, where: str, memory: int = 64) -> machine.Result:
    return machine.boot(path, memory=memory) if where == "machine" else machine.as_process(path)


@EVERYWHERE
def test_a_null_pointer_in_c_shows_the_python_stack(make: Make, where: str) -> None:
    """A bad access becomes SIGSEGV; faulthandler tells where Python was."""
    result = run(make("import faulthandler\ndef touch():\n    faulthandler._read_null()\ntouch()\n"), where)
    assert "Fatal Python error: Segmentation fault" in result.output
    assert "line 3 in touch" in result.output
    assert result.status in (139, -11)


@pytest.mark.qemu
@pytest.mark.parametrize(("call", "name"), [("_sigfpe()", "Floating"), ("_sigabrt()", "Aborted")])
def test_other_signals_of_the_program(make: Make, call: str, name: str) -> None:
    """Division by zero in C, and abort(), are told the same way."""
    result = machine.boot(make(f"import faulthandler\nfaulthandler.{call}\n"))
    assert name in result.output
    assert "line 2 in <module>" in result.output


@EVERYWHERE
def test_recursion_ends_in_recursionerror(make: Make, where: str) -> None:
    """Python recursion and C recursion both end cleanly, in the main thread and in a small one."""
    program = """
import threading
def python(): python()
def nested():
    iterator = iter([1])
    for _ in range(100_000): iterator = map(int, iterator)
    list(iterator)
def deep():
    value = []
    for _ in range(100_000): value = [value]
    repr(value)
def call(run):
    try: run()
    except RecursionError: print("clean")
for run in (python, deep):
    call(run)
    thread = threading.Thread(target=call, args=(run,)); thread.start(); thread.join()
print("still here")
"""
    result = run(make(program, uses=("threading",)), where)
    assert result.output == "clean\n" * 4 + "still here\n"


@pytest.mark.qemu
def test_a_stack_overflow_hits_the_guard_page(make: Make) -> None:
    """Beyond the stack is nothing: the fault is told on the alternate stack, no memory is harmed."""
    result = machine.boot(make("import faulthandler\nfaulthandler._stack_overflow()\n"))
    assert "Segmentation fault" in result.output
    assert "line 2 in <module>" in result.output
    assert result.status == 139


@pytest.mark.qemu
def test_out_of_memory_is_memoryerror(make: Make) -> None:
    """Memory ends with MemoryError; caught, the program goes on; not caught, status 1."""
    program = """
def fill():
    kept = []
    while True: kept.append(bytearray(100_000))
try: fill()
except MemoryError: print("clean")
try: bytearray(1 << 40)
except MemoryError: print("too big")
fill()
"""
    result = machine.boot(make(program))
    assert result.output.startswith("clean\ntoo big\nTraceback (most recent call last):\n")
    assert "MemoryError\n" in result.output
    assert result.status == 1


@pytest.mark.qemu
def test_memory_of_small_objects_ends_cleanly_too(make: Make) -> None:
    """The same when the last page goes to a small object."""
    program = """
kept = []
try:
    while True: kept.append([None] * 3)
except MemoryError:
    del kept
    print("clean")
"""
    result = machine.boot(make(program), memory=48)
    assert (result.status, result.output) == (0, "clean\n")


@pytest.mark.qemu
def test_a_fault_in_the_kernel_is_a_panic(make: Make) -> None:
    """One sentence, the registers, then the Python stack."""
    result = machine.boot(make("import _hw\ndef here():\n    _hw.crash()\nhere()\n"))
    assert "fata: the kernel itself failed at " in result.output
    assert ": page fault\n  rip " in result.output
    assert "Fatal Python error: Aborted" in result.output
    assert "line 3 in here" in result.output
    assert result.status == 134


@pytest.mark.qemu
def test_too_little_memory_is_told(make: Make) -> None:
    """An image with a measured floor says what it has and what it needs, and stops."""
    result = machine.boot(make(HELLO, floor=26 * 1024), memory=16)
    assert "fata: have 16 MiB, need 26 MiB\n" in result.output
    assert result.status == 134
    assert machine.boot(make(HELLO, floor=26 * 1024), memory=26).output == "hello\n"


@pytest.mark.qemu
@pytest.mark.parametrize("memory", [6, 10, 12])
def test_much_too_little_memory_is_told_without_a_floor(make: Make, memory: int) -> None:
    """Also when the image itself does not fit: the kernel lies lowest."""
    result = machine.boot(make(HELLO), memory=memory)
    assert f"have {memory} MiB, need " in result.output or "memory" in result.output.lower()
    assert result.status != 0


@EVERYWHERE
def test_a_damaged_image_is_told(make: Make, where: str) -> None:
    """One changed octet in the zip is noticed before Python starts."""
    path = make(HELLO)
    octets = bytearray(path.read_bytes())
    octets[-30] ^= 1
    path.write_bytes(octets)
    result = run(path, where)
    assert result.output.splitlines()[0] == (
        "fata: the image is truncated or damaged: the checksum of its application is wrong"
    )
    assert result.status == 2


def test_a_truncated_image_is_told_under_linux(make: Make) -> None:
    """A file that was cut off does not even get mapped beyond its end."""
    path = make(HELLO + "#" * 10_000)
    path.write_bytes(path.read_bytes()[:-5000])
    result = machine.as_process(path)
    assert (result.status, result.output) == (2, "fata: the image is truncated: build it again\n")


@EVERYWHERE
def test_a_runtime_without_application_is_told(tmp_path: Path, where: str) -> None:
    """The bare runtime says what it is."""
    path = tmp_path / "runtime"
    path.write_bytes(machine.runtime("lean"))
    path.chmod(0o755)
    result = run(path, where)
    assert result.output.startswith("fata: this runtime carries no application")
    assert result.status == 2


@pytest.mark.qemu
def test_without_entropy_the_boot_refuses(make: Make) -> None:
    """A processor without RDRAND is refused, unless the boot line says that predictable numbers will do."""
    path = make("import os\nprint(len(os.urandom(9)))\n")
    old = (*machine.DEBUG_EXIT, "-cpu", "qemu64")
    refused = machine.boot(path, extra=old)
    assert "fata: this processor has no RDRAND" in refused.output
    assert refused.status == 134
    allowed = machine.boot(path, extra=old, line="fata.entropy=insecure")
    assert (allowed.status, allowed.output) == (0, "9\n")


# ---- the tool's side of the same mistakes


def test_what_is_embedded_is_read_back() -> None:
    """An image tells its parts; embedding again replaces them, to the octet."""
    runtime = machine.runtime("lean")
    image = elf.embed(runtime, b"PK zip" * 1000, line="--a ☃", floor=20_000)
    assert elf.read(image) == elf.Image(20_000, "--a ☃", b"PK zip" * 1000, 0)
    assert elf.embed(image, b"other", line="") == elf.embed(runtime, b"other", line="")


@pytest.mark.parametrize("cut", [0, 3, 40, 100, 500, 5000, 1_000_000, -1, -3000])
def test_cut_off_images_are_refused(cut: int) -> None:
    """Whatever is missing of a file, reading it is a BadImage."""
    image = elf.embed(machine.runtime("lean"), b"zip" * 2000)
    with pytest.raises(elf.BadImage):
        elf.read(image[:cut])


def test_a_line_that_does_not_fit_is_refused() -> None:
    """The header has room for so many words."""
    with pytest.raises(StateError):
        elf.embed(machine.runtime("lean"), b"", line="x" * 3000)
