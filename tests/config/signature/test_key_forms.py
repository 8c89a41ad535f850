"""Every way to write the annotation of a key, and every way that is refused."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from fata.config.keys import Required
from fata.config.signature import KeyParameter
from fata.config.value import BOOLEAN, INTEGER, NUMBER, TEXT, Enumeration, KeyType, Many, Maybe, OneOf
from tests.config.conftest import Folder, assert_blames, line_of, refusal

MODE = OneOf(("fast", "safe"))
COLOUR = Enumeration("app", "Colour", ("RED", "DARK_BLUE"))
PALETTE = Enumeration("palette", "Colour", ("RED", "DARK_BLUE"))
COLOUR_CLASS = "class Colour(Enum):\n    RED = 1\n    DARK_BLUE = 2\n"
PALETTE_FILE = f"from enum import Enum\n{COLOUR_CLASS}"


class Form(NamedTuple):
    """What stands at the top of app.py, how the key is annotated, and the type that comes of it."""

    top: str
    annotation: str
    type: KeyType


SCALARS = {
    "text": Form("", "str", TEXT),
    "integer": Form("", "int", INTEGER),
    "number": Form("", "float", NUMBER),
    "boolean": Form("", "bool", BOOLEAN),
    "text or None": Form("", "str | None", Maybe(TEXT)),
    "None or number": Form("", "None | float", Maybe(NUMBER)),
    "Optional": Form("from typing import Optional", "Optional[int]", Maybe(INTEGER)),
    "typing.Optional": Form("import typing", "typing.Optional[int]", Maybe(INTEGER)),
    "Union": Form("from typing import Union", "Union[bool, None]", Maybe(BOOLEAN)),
    "Union in Union": Form("from typing import Union", "Union[Union[bool, None], None]", Maybe(BOOLEAN)),
    "string": Form("", "'int'", INTEGER),
    "string of union": Form("", "'int | None'", Maybe(INTEGER)),
    "Annotated": Form("from typing import Annotated", "Annotated[int, 'seconds']", INTEGER),
    "Annotated in a union": Form("from typing import Annotated", "Annotated[int, 'seconds'] | None", Maybe(INTEGER)),
    "alias": Form("Port = int", "Port", INTEGER),
    "alias of union": Form("Port = int | None", "Port", Maybe(INTEGER)),
    "alias of alias": Form("Port = int | None\nOther = Port", "Other", Maybe(INTEGER)),
    "alias in union": Form("from typing import Annotated\nPort = Annotated[int, 'TCP']", "Port | None", Maybe(INTEGER)),
}
LISTS = {
    "list": Form("", "list[int]", Many(INTEGER)),
    "list of text": Form("", "list[str]", Many(TEXT)),
    "list of numbers": Form("", "list[float]", Many(NUMBER)),
    "list of booleans": Form("", "list[bool]", Many(BOOLEAN)),
    "list of strings": Form("", "list['int']", Many(INTEGER)),
    "string of list": Form("", "'list[int]'", Many(INTEGER)),
    "List": Form("from typing import List", "List[int]", Many(INTEGER)),
    "list or None": Form("", "list[int] | None", Maybe(Many(INTEGER))),
    "Optional list": Form("from typing import Optional", "Optional[list[int]]", Maybe(Many(INTEGER))),
    "list of choices": Form("from typing import Literal", "list[Literal['fast', 'safe']]", Many(MODE)),
    "list of members": Form(f"from enum import Enum\n{COLOUR_CLASS}", "list[Colour]", Many(COLOUR)),
    "list of Annotated": Form("from typing import Annotated", "list[Annotated[int, 'port']]", Many(INTEGER)),
    "list of alias": Form("from typing import Literal\nMode = Literal['fast', 'safe']", "list[Mode]", Many(MODE)),
    "alias of list": Form("Ports = list[int]", "Ports", Many(INTEGER)),
}
CHOICES = {
    "texts": Form("from typing import Literal", "Literal['fast', 'safe']", MODE),
    "one text": Form("from typing import Literal", "Literal['fast']", OneOf(("fast",))),
    "integers": Form("from typing import Literal", "Literal[1, -1, 0x10]", OneOf((1, -1, 16))),
    "both": Form("from typing import Literal", "Literal['auto', 1]", OneOf(("auto", 1))),
    "texts or None": Form("from typing import Literal", "Literal['fast', 'safe'] | None", Maybe(MODE)),
    "typing.Literal": Form("import typing as t", "t.Literal['fast', 'safe']", MODE),
    "typing_extensions": Form("from typing_extensions import Literal", "Literal['fast', 'safe']", MODE),
    "alias": Form("from typing import Literal\nMode = Literal['fast', 'safe']", "Mode", MODE),
    "annotated alias": Form(
        "from typing import Literal, TypeAlias\nMode: TypeAlias = Literal['fast', 'safe']", "Mode", MODE
    ),
    "alias from elsewhere": Form("from palette import Mode", "Mode", MODE),
    "optional alias from elsewhere": Form("import palette", "palette.MaybeMode", Maybe(MODE)),
    "string": Form("from typing import Literal", "\"Literal['fast', 'safe']\"", MODE),
}
ENUMERATIONS = {
    "Enum": Form(f"from enum import Enum\n{COLOUR_CLASS}", "Colour", COLOUR),
    "Enum or None": Form(f"from enum import Enum\n{COLOUR_CLASS}", "Colour | None", Maybe(COLOUR)),
    "string": Form(f"from enum import Enum\n{COLOUR_CLASS}", "'Colour'", COLOUR),
    "enum.Enum": Form("import enum\n" + COLOUR_CLASS.replace("Enum", "enum.Enum"), "Colour", COLOUR),
    "IntEnum": Form("from enum import IntEnum\n" + COLOUR_CLASS.replace("Enum", "IntEnum"), "Colour", COLOUR),
    "StrEnum": Form("from enum import StrEnum\n" + COLOUR_CLASS.replace("Enum", "StrEnum"), "Colour", COLOUR),
    "str and Enum": Form("from enum import Enum\n" + COLOUR_CLASS.replace("Enum", "str, Enum"), "Colour", COLOUR),
    "base of one's own": Form(
        "from enum import Enum\nclass Named(Enum):\n    def title(self): ...\n" + COLOUR_CLASS.replace("Enum", "Named"),
        "Colour",
        COLOUR,
    ),
    "with private names and methods": Form(
        f"from enum import Enum\n{COLOUR_CLASS}    _ignore_ = []\n    def darker(self): ...\n", "Colour", COLOUR
    ),
    "imported": Form("from palette import Colour", "Colour", PALETTE),
    "imported, renamed": Form("from palette import Colour as C", "C", PALETTE),
    "attribute": Form("import palette", "palette.Colour", PALETTE),
    "attribute in list or None": Form("import palette as p", "list[p.Colour] | None", Maybe(Many(PALETTE))),
    "reexported": Form("from shades import Colour", "Colour", PALETTE),
}
PALETTE_FILES = {
    "palette.py": PALETTE_FILE
    + "from typing import Literal\nMode = Literal['fast', 'safe']\nMaybeMode = Mode | None\n",
    "shades.py": "from palette import Colour\n",
}


def application(top: str, parameter: str) -> str:
    return f"""{top}


class App:
    def __init__(self, *, {parameter}) -> None: ...

    async def run(self) -> None: ...
"""


def read_key(folder: Folder, top: str, parameter: str) -> KeyParameter:
    (key,) = folder.write(PALETTE_FILES).app(application(top, parameter)).signature().parameters
    assert isinstance(key, KeyParameter)
    return key


ALL_FORMS = {
    f"{kind}: {name}": form
    for kind, forms in {
        "scalar": SCALARS,
        "list": LISTS,
        "Literal": CHOICES,
        "Enum": ENUMERATIONS,
    }.items()
    for name, form in forms.items()
}


@pytest.mark.parametrize("form", ALL_FORMS.values(), ids=ALL_FORMS.keys())
def test_a_keys_type_is_recognized_however_it_is_written(folder: Folder, form: Form) -> None:
    key = read_key(folder, form.top, f"level: {form.annotation}")
    assert (key.name, key.type, key.doc) == ("level", form.type, "")
    assert isinstance(key.default, Required)
    assert key.where == (str(folder.path / "app.py"), line_of(folder.path / "app.py", "def __init__"))


ENUM = f"from enum import Enum\n{COLOUR_CLASS}"
DEFAULTS: dict[str, tuple[str, str, object]] = {
    "text": ("", "level: str = 'low'", "low"),
    "empty text": ("", "level: str = ''", ""),
    "joined text": ("", "level: str = 'a' 'b'", "ab"),
    "integer": ("", "level: int = 3", 3),
    "negative": ("", "level: int = -3", -3),
    "in hexadecimal": ("", "level: int = 0xFF", 255),
    "grouped": ("", "level: int = 1_000_000", 1_000_000),
    "number": ("", "level: float = 1.5e-3", 0.0015),
    "negative number": ("", "level: float = -0.5", -0.5),
    "integer for a number": ("", "level: float = 2", 2),
    "boolean": ("", "level: bool = True", True),
    "None": ("", "level: int | None = None", None),
    "value of an optional": ("", "level: int | None = 7", 7),
    "choice": ("from typing import Literal", "level: Literal['low', 'high'] = 'low'", "low"),
    "list": ("", "level: list[int] = [1, 2]", [1, 2]),
    "empty list": ("", "level: list[int] = []", []),
    "tuple for a list": ("", "level: list[int] = (1, 2)", [1, 2]),
    "list with a constant": ("FIRST = 1", "level: list[int] = [FIRST, 2]", [1, 2]),
    "None for a list": ("", "level: list[int] | None = None", None),
    "constant": ("LOW = 3", "level: int = LOW", 3),
    "negative constant": ("LOW = -3", "level: int = LOW", -3),
    "annotated constant": ("from typing import Final\nLOW: Final = 3", "level: int = LOW", 3),
    "constant of a constant": ("LOWEST = 3\nLOW = LOWEST", "level: int = LOW", 3),
    "constant list": ("LOW = [1, 2]", "level: list[int] = LOW", [1, 2]),
    "constant tuple": ("A = 1\nLOW = (A, 2)", "level: list[int] = LOW", [1, 2]),
    "imported constant": ("from limits import LOW", "level: int = LOW", 5),
    "imported constant, renamed": ("from limits import LOW as L", "level: int = L", 5),
    "constant by attribute": ("import limits", "level: int = limits.LOW", 5),
    "reexported constant": ("from more import LOW", "level: int = LOW", 5),
    "constant that names its neighbour": ("from limits import LOWER", "level: int = LOWER", 5),
    "constant under if": ("import sys\nif sys.platform:\n    LOW = 3", "level: int = LOW", 3),
    "member": (ENUM, "level: Colour = Colour.DARK_BLUE", "DARK_BLUE"),
    "member of an optional": (ENUM, "level: Colour | None = Colour.RED", "RED"),
    "None for a member": (ENUM, "level: Colour | None = None", None),
    "members": (ENUM, "level: list[Colour] = [Colour.RED, Colour.RED]", ["RED", "RED"]),
    "members in a tuple": (ENUM, "level: list[Colour] = (Colour.RED,)", ["RED"]),
    "no members": (ENUM, "level: list[Colour] = []", []),
    "imported member": ("from palette import Colour", "level: Colour = Colour.RED", "RED"),
    "member by attribute": ("import palette", "level: palette.Colour = palette.Colour.RED", "RED"),
    "constant member": (f"{ENUM}USUAL = Colour.RED", "level: Colour = USUAL", "RED"),
    "constant members": (f"{ENUM}USUAL = [Colour.RED]", "level: list[Colour] = USUAL", ["RED"]),
}
LIMITS_FILES = {"limits.py": "LOW = 5\nLOWER = LOW\n", "more.py": "from limits import LOW\n"}


@pytest.mark.parametrize(("top", "parameter", "value"), DEFAULTS.values(), ids=DEFAULTS.keys())
def test_a_default_is_known_without_running_anything(folder: Folder, top: str, parameter: str, value: object) -> None:
    default = read_key(folder.write(LIMITS_FILES), top, parameter).default
    assert (type(default), default) == (type(value), value)


NOT_KNOWN = {
    "call": ("import os", "level: str = os.getcwd()", "`os.getcwd()` of `level` is not known"),
    "sum": ("", "level: int = 1 + 2", "`1 + 2` of `level` is not known"),
    "f-string": ("", "level: str = f'{1}'", "is not known"),
    "condition": ("", "level: int = 1 if True else 2", "is not known"),
    "name of nothing": ("", "level: int = LOW", "`LOW` of `level` is not known"),
    "name of a function": ("def low(): ...", "level: int = low", "`low` of `level` is not known"),
    "constant that is computed": ("LOW = 1 + 2", "level: int = LOW", "`LOW` of `level` is not known"),
    "constant of itself": ("LOW = HIGH\nHIGH = LOW", "level: int = LOW", "`LOW` of `level` is not known"),
    "one of two unpacked": ("LOW, HIGH = 1, 2", "level: list[int] = LOW", "`LOW` of `level` is not known"),
    "list of itself": ("LOW = [LOW]", "level: list[int] = LOW", "`LOW` of `level` is not known"),
    "list with an unknown": ("", "level: list[int] = [1, int('2')]", "is not known"),
    "members with an unknown": (ENUM, "level: list[Colour] = [Colour.RED, Colour['RED']]", "is not known"),
    "ellipsis": ("", "level: int = ...", "`...` of `level` is not known"),
    "unhashable": ("", "level: str = {[]: 1}", "is not known"),
    "text for a number": ("", "level: int = '3'", "`'3'` of `level` is not an integer"),
    "number for an integer": ("", "level: int = 3.0", "`3.0` of `level` is not an integer"),
    "boolean for an integer": ("", "level: int = True", "`True` of `level` is not an integer"),
    "integer for a boolean": ("", "level: bool = 1", "`1` of `level` is not true or false"),
    "integer for a text": ("", "level: str = 3", "`3` of `level` is not a text"),
    "octets for a text": ("", "level: str = b'3'", "is not a text"),
    "half a character": ("", "level: str = '\\ud800'", "is not a text"),
    "infinity": ("", "level: float = 1e999", "is not a number"),
    "None for a text": ("", "level: str = None", "`None` of `level` is not a text"),
    "text that is no choice": ("from typing import Literal", "level: Literal['a', 'b'] = 'c'", "is not one of a, b"),
    "boolean that equals a choice": ("from typing import Literal", "level: Literal[1, 2] = True", "is not one of 1, 2"),
    "item of another type": ("", "level: list[int] = [1, 'x']", "is not a list separated by commas, each an integer"),
    "single value for a list": ("", "level: list[int] = 1", "is not a list"),
    "set for a list": ("", "level: list[int] = {1}", "is not a list"),
    "member that is not there": (ENUM, "level: Colour = Colour.GREEN", "is not one of red, dark_blue"),
    "text that names a member": (ENUM, "level: Colour = 'RED'", "`'RED'` of `level` is not one of red, dark_blue"),
    "texts that name members": (ENUM, "level: list[Colour] = ['RED']", "is not a list"),
    "member of another": (
        f"{ENUM}class Shade(Enum):\n    RED = 1\n",
        "level: Colour = Shade.RED",
        "`Shade.RED` of `level` is not known",
    ),
}


@pytest.mark.parametrize(("top", "parameter", "text"), NOT_KNOWN.values(), ids=NOT_KNOWN.keys())
def test_a_default_outside_the_subset_is_refused_where_it_stands(
    folder: Folder, top: str, parameter: str, text: str
) -> None:
    error = refusal(lambda: read_key(folder, top, parameter))
    file = folder.path / "app.py"
    assert_blames(error, file, line_of(file, "def __init__"), "the default", text)


REFUSED = {
    "device": ("from fata.device import KvRo", "KvRo", ["`KvRo` is no type for a key", "before the `*`"]),
    "octets": ("", "bytes", ["`bytes` is no type for a key"]),
    "bare list": ("", "list", ["`list` is no type for a key"]),
    "dictionary": ("", "dict[str, int]", ["`dict[str, int]` is no type for a key", "list[X]"]),
    "tuple": ("", "tuple[int, ...]", ["`tuple[int, ...]` is no type for a key", "list[X]"]),
    "sequence": ("from collections.abc import Sequence", "Sequence[int]", ["is no type for a key", "list[X]"]),
    "list of lists": ("", "list[list[int]]", ["`list[int]` is no type for a key"]),
    "list of two": ("", "list[int, str]", ["is no type for a key"]),
    "list of optional": ("", "list[int | None]", ["`int | None` is no type for a key"]),
    "two types": ("", "int | str", ["`int | str` has more than one alternative"]),
    "None": ("", "None", ["`None` is nothing but None"]),
    "path": ("from pathlib import Path", "Path", ["`Path` is no type for a key"]),
    "any": ("from typing import Any", "Any", ["`Any` is no type for a key"]),
    "class": ("class Port: ...", "Port", ["`Port` is no type for a key", "Enum"]),
    "int that is shadowed": ("class int: ...", "int", ["`int` is no type for a key"]),
    "Flag": ("from enum import Flag\nclass F(Flag):\n    A = 1", "F", ["`F` is no type for a key"]),
    "Enum without members": ("from enum import Enum\nclass E(Enum): ...", "E", ["`E` is no type for a key"]),
    "Enum of itself": ("class E(E):\n    A = 1", "E", ["`E` is no type for a key"]),
    "sum": ("", "int + None", ["`int + None` is no type for a key"]),
    "Annotated of nothing": ("from typing import Annotated", "Annotated[()]", ["is no type for a key"]),
    "Enum from a call": ("from enum import Enum\nE = Enum('E', 'A B')", "E", ["`E` is no type for a key"]),
    "Literal with a boolean": ("from typing import Literal", "Literal[True]", ["holds more than texts and integers"]),
    "Literal with None": ("from typing import Literal", "Literal['a', None]", ["Literal[…] | None"]),
    "Literal with octets": ("from typing import Literal", "Literal[b'a']", ["holds more than texts and integers"]),
    "Literal with a name": ("from typing import Literal\nA = 1", "Literal[A]", ["holds more than texts and integers"]),
    "Literal that is ambiguous": ("from typing import Literal", "Literal['1', 1]", ["cannot tell apart"]),
    "call": ("from typing import NewType", "NewType('P', int)", ["is no type for a key"]),
    "string that is no expression": ("", "'int |'", ["is not an expression"]),
    "NUL in a string": ("", "'int\\0'", ["is not an expression"]),
    "alias of itself": ("A = list[A]", "A", ["is no type for a key"]),
    "union of itself": ("A = A | None", "A", ["is no type for a key"]),
}


@pytest.mark.parametrize(("top", "annotation", "parts"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_no_type_for_a_key_is_refused(folder: Folder, top: str, annotation: str, parts: list[str]) -> None:
    error = refusal(lambda: read_key(folder, top, f"level: {annotation}"))
    assert error.file == str(folder.path / "app.py")
    assert [part for part in parts if part not in str(error)] == [], str(error)


def test_a_mistake_in_an_alias_is_blamed_where_the_alias_stands(folder: Folder) -> None:
    folder.write({"kinds.py": "# Kinds.\n\nPort = dict[str, int]\n"})
    error = refusal(lambda: read_key(folder, "from kinds import Port", "level: Port"))
    assert_blames(error, folder.path / "kinds.py", 3, "`dict[str, int]` is no type for a key")


def test_a_mistake_among_many_parameters_is_blamed_on_its_own_line(folder: Folder) -> None:
    folder.app("""
        class App:
            def __init__(
                self,
                *,
                first: int,
                second: list[
                    bytes
                ],
            ) -> None: ...

            async def run(self) -> None: ...
        """)
    assert_blames(refusal(folder.signature), folder.path / "app.py", 7, "`bytes`")
