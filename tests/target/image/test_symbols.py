"""Addresses of a fault become functions and lines."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from fata.errors import ConfigError
from fata.target.image.elf import embed
from fata.target.image.symbols import Symbols, symbols_of
from tests.images import ROOT
from tests.programs import needs, needs_runtime

RUNTIMES = ROOT / "build" / "runtime"
SOURCE = """\
int inner(int x) {
    return x * 3;
}
int main(int argc, char **argv) {
    return inner(argc);
}
"""


@needs("gcc")
@pytest.mark.peer
def test_functions_and_lines_are_those_that_the_compiler_wrote(tmp_path: Path) -> None:
    source, program = tmp_path / "some.c", tmp_path / "some"
    source.write_text(SOURCE)
    subprocess.run(["gcc", "-g", "-O0", "-no-pie", source, "-o", program], check=True)
    listing = subprocess.run(["nm", program], check=True, capture_output=True, text=True).stdout
    address = int(re.search(r"(\w+) T inner", listing)[1], 16)  # type: ignore[index]
    place = Symbols(program).place(address + 8)
    assert (place.function, place.offset, place.file) == ("inner", 8, "some.c")
    assert place.line in (1, 2)
    assert str(place) == f"{address + 8:#x}  inner+0x8  some.c:{place.line}"
    assert Symbols(program).place(1).function is None


def test_a_file_without_symbols_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"no ELF")
    for ask in (Symbols, symbols_of):
        with pytest.raises(ConfigError) as caught:
            ask(file)
        assert caught.value.file == str(file)


@needs_runtime()
def test_an_image_finds_the_symbols_of_its_runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FATA_RUNTIME", str(RUNTIMES))
    image = tmp_path / "image.elf"
    image.write_bytes(embed((RUNTIMES / "lean" / "fata.elf").read_bytes(), b"any archive"))
    assert symbols_of(image) == RUNTIMES / "lean" / "fata.debug"
