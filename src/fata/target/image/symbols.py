"""From an address in a kernel's message to a function and a line, by the debug information of the runtime."""

from __future__ import annotations

import io
from bisect import bisect_right
from pathlib import Path
from typing import NamedTuple

from elftools.common.exceptions import ELFError
from elftools.dwarf.dwarfinfo import DWARFInfo
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

from fata.errors import ConfigError
from fata.target.image.runtime import FULL, LEAN, has_runtime

CODE = ".text"


class Place(NamedTuple):
    """What lies at an address: a function, how far into it, and its line where that is known."""

    address: int
    function: str | None
    offset: int
    file: str | None
    line: int | None

    def __str__(self) -> str:
        where = "" if self.file is None else f"  {self.file}:{self.line}"
        return f"{self.address:#x}  {'?' if self.function is None else f'{self.function}+{self.offset:#x}'}{where}"


class Symbols:
    """The functions and lines of one debug file."""

    def __init__(self, file: Path) -> None:
        try:
            elf = ELFFile(io.BytesIO(file.read_bytes()))
            table = elf.get_section_by_name(".symtab")
            if not isinstance(table, SymbolTableSection):
                raise ConfigError("has no symbols", remedy="Name the runtime's fata.debug.", file=str(file))
            functions = {
                (symbol["st_value"], symbol["st_size"], symbol.name)
                for symbol in table.iter_symbols()
                if symbol["st_info"]["type"] in ("STT_FUNC", "STT_NOTYPE") and symbol["st_value"] and symbol.name
            }
        except (OSError, ELFError) as error:
            raise ConfigError(
                f"cannot be read: {error}", remedy="Name the runtime's fata.debug.", file=str(file)
            ) from None
        self._functions = sorted(functions)
        self._dwarf: DWARFInfo | None = elf.get_dwarf_info() if elf.has_dwarf_info() else None

    def place(self, address: int) -> Place:
        """Say what lies at an address."""
        file, line = self._line(address)
        index = bisect_right(self._functions, (address, 1 << 64, "")) - 1
        # Labels of assembly have no size: they reach as far as the next symbol.
        while index >= 0:
            start, size, name = self._functions[index]
            if not size or address < start + size:
                return Place(address, name, address - start, file, line)
            if address - start > 1 << 20:
                break
            index -= 1
        return Place(address, None, 0, file, line)

    def _line(self, address: int) -> tuple[str | None, int | None]:
        if self._dwarf is None or (ranges := self._dwarf.get_aranges()) is None:
            return None, None
        unit_offset = ranges.cu_offset_at_addr(address)
        if unit_offset is None:
            return None, None
        unit = self._dwarf.get_CU_at(unit_offset)
        program = self._dwarf.line_program_for_CU(unit)
        if program is None:
            return None, None
        previous = None
        for entry in program.get_entries():
            state = entry.state
            if state is None:
                continue
            if previous is not None and previous.address <= address < state.address:
                name = program["file_entry"][previous.file - (program["version"] < 5)].name
                return name.decode(errors="replace"), previous.line
            previous = None if state.end_sequence else state
        return None, None


def symbols_of(image: Path) -> Path:
    """Return the debug file of the runtime that an image was made from. Raises ConfigError when it is not at hand."""
    code = _code(image)
    for profile in (LEAN, FULL):
        runtime = has_runtime(profile)
        if runtime is not None and runtime.debug is not None and _code(runtime.elf) == code:
            return runtime.debug
    raise ConfigError(
        "was made from a runtime that is not here", remedy="Name its debug file: --symbols fata.debug", file=str(image)
    )


def _code(file: Path) -> bytes:
    try:
        section = ELFFile(io.BytesIO(file.read_bytes())).get_section_by_name(CODE)
    except (OSError, ELFError) as error:
        raise ConfigError(
            f"is no image: {error}", remedy="Name what `fata build -t virtio` made.", file=str(file)
        ) from None
    return b"" if section is None else bytes(section.data())
