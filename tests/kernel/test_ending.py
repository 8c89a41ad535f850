"""How a program ends: its words arrive, its status leaves, its exceptions are told."""

from __future__ import annotations

import pytest

from tests.kernel import machine
from tests.kernel.conftest import Make

HELLO = "print('hello')\n"
WORDS = ["two words", 'a "quote"', "back\\slash", "", "Zoë ☃", "--key=a, b", "x,y=z"]
SHOW_WORDS = "import sys\nprint(sys.argv[1:])\n"
FAIL = "def inner():\n    return 1 / 0  # the line itself is shown\n\ninner()\n"
STATUSES = [0, 7, 126, 127, 128, 200, 255]


@pytest.mark.qemu
@pytest.mark.parametrize("kind", ["microvm", "q35", "pc"])
def test_hello_prints_and_powers_off(make: Make, kind: str) -> None:
    """A program prints, and its machine goes away with status 0; nothing else is on the console."""
    result = machine.boot(make(HELLO), machine=kind)
    assert (result.status, result.output) == (0, "hello\n")


def test_hello_under_linux(make: Make) -> None:
    """The same file is a Linux program."""
    result = machine.as_process(make(HELLO))
    assert (result.status, result.output) == (0, "hello\n")


@pytest.mark.qemu
@pytest.mark.parametrize("kind", ["microvm", "q35"])
def test_without_a_status_device_acpi_ends_the_machine(make: Make, kind: str) -> None:
    """Where isa-debug-exit is missing ACPI powers off, and the console's last line tells the status."""
    result = machine.boot(make("import sys\nsys.exit(7)\n"), machine=kind, extra=())
    assert (result.status, result.output) == (7, "exit status 7\n")
    assert machine.boot(make(HELLO), machine=kind, extra=()).status == 0


@pytest.mark.qemu
@pytest.mark.parametrize("status", STATUSES)
def test_statuses_arrive(make: Make, status: int) -> None:
    """Every status fits through, though isa-debug-exit carries seven bits."""
    assert machine.boot(make(f"import sys\nsys.exit({status})\n")).status == status


@pytest.mark.qemu
def test_words_arrive_intact(make: Make) -> None:
    """Spaces, quotes, backslashes, empty words and what is not ASCII; the image's own words stand first."""
    result = machine.boot(make(SHOW_WORDS, line='--first "in the image"'), *WORDS)
    assert result.output == f"{['--first', 'in the image', *WORDS]}\n"


def test_words_arrive_intact_under_linux(make: Make) -> None:
    """The shell's words are passed on; the image's own words are for every boot, so they stand first here too."""
    result = machine.as_process(make(SHOW_WORDS, line='--first "in the image"'), *WORDS)
    assert result.output == f"{['--first', 'in the image', *WORDS]}\n"


@pytest.mark.qemu
@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ('--a "open', "ends inside a quote"),
        ("lone \\", "a lone \\"),
        ("fata.no-such-thing", "unknown boot option fata.no-such-thing"),
        ("x " * 300, "too many words"),
    ],
)
def test_a_line_that_is_no_line(make: Make, line: str, sentence: str) -> None:
    """A mistake in the boot line is told in one sentence, and nothing runs."""
    result = machine.boot(make(HELLO), line=line)
    assert sentence in result.output
    assert "hello" not in result.output
    assert result.status == 134


@pytest.mark.parametrize("where", [pytest.param("machine", marks=pytest.mark.qemu), "linux"])
def test_an_exception_is_told_in_full(make: Make, where: str) -> None:
    """A traceback with source lines, and status 1."""
    path = make(FAIL)
    result = machine.boot(path) if where == "machine" else machine.as_process(path)
    assert result.status == 1
    assert result.output.startswith("Traceback (most recent call last):\n")
    assert "return 1 / 0  # the line itself is shown\n" in result.output
    assert "ZeroDivisionError: division by zero\n" in result.output


@pytest.mark.parametrize("where", [pytest.param("machine", marks=pytest.mark.qemu), "linux"])
def test_exit_with_a_sentence(make: Make, where: str) -> None:
    """`sys.exit("text")` prints the text and exits with 1, as everywhere in Python."""
    path = make("import sys\nsys.exit('no more')\n")
    result = machine.boot(path) if where == "machine" else machine.as_process(path)
    assert result.status == 1
    assert result.output.splitlines()[0] == "no more"


def test_nothing_is_imported_that_is_not_used(make: Make) -> None:
    """A program that imports nothing loads only what the interpreter needs to start."""
    result = machine.as_process(make("import sys\nprint(*sorted(sys.modules))\n"))
    heavy = {"asyncio", "argparse", "logging", "typing", "re", "enum", "runpy", "traceback", "collections", "threading"}
    assert heavy.isdisjoint(result.output.split())
