"""Random applications of the subset: written as source in one of many ways, read back as what they were."""

from __future__ import annotations

import keyword
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fata.config.keys import REQUIRED, Required
from fata.config.signature import DeviceParameter, KeyParameter, Parameter
from fata.config.signature.docstring import key_help
from fata.config.value import BOOLEAN, INTEGER, NUMBER, TEXT, Enumeration, KeyType, Many, Maybe, OneOf, Plain, quoted
from fata.config.where import Where
from fata.target.spelling import Names
from tests.config.conftest import Folder

pytestmark = pytest.mark.slow  # in all, some seconds

CONTRACTS = {
    "KvRo": "fata.device.kv.KvRo",
    "Console": "fata.device.console.Console",
    "Stack": "fata.device.stack.Stack",
}
COLOUR = Enumeration("app", "Colour", ("RED", "DARK_BLUE"))
TAKEN = {"self", "Colour", "d", "KvRo", "Console", "Stack"}
TOP = """
from dataclasses import KW_ONLY, dataclass, field
from enum import Enum
from typing import Annotated, List, Literal, Optional, Union
import fata.device as d
from fata.device import Console, KvRo, Stack

class Colour(Enum):
    RED = 1
    DARK_BLUE = 2

"""


@dataclass(frozen=True)
class Written:
    """A parameter of a model and the source of its annotation and default."""

    parameter: Parameter
    annotation: str
    default: str | None

    @property
    def source(self) -> str:
        return f"{self.parameter.name}: {self.annotation}" + ("" if self.default is None else f" = {self.default}")


NAMES = st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True).filter(
    lambda name: not keyword.iskeyword(name) and name not in TAKEN
)
WORDS = st.text("abc déf'\"\\\n:,", max_size=6)
LITERALS = st.lists(WORDS | st.integers(-9, 9), min_size=1, max_size=3, unique_by=str).map(
    lambda values: OneOf(tuple(values))
)
SINGLES: st.SearchStrategy[Any] = st.sampled_from([TEXT, INTEGER, NUMBER, BOOLEAN, COLOUR]) | LITERALS


def ways(annotation: str) -> st.SearchStrategy[str]:
    """Return ways to write the same type."""
    return st.sampled_from([annotation, f"({annotation})", f"Annotated[{annotation}, 'x']", quoted(annotation)])


def ways_with_none(annotation: str) -> st.SearchStrategy[str]:
    return ways(annotation).flatmap(
        lambda inner: st.sampled_from(
            [f"Optional[{inner}]", f"Union[{inner}, None]", f"Union[None, {inner}]", quoted(f"Optional[{inner}]")]
        ).flatmap(ways)
    )


@st.composite
def annotated(draw: st.DrawFn, key_type: KeyType) -> str:
    """Write a key's type in some way."""
    match key_type:
        case Maybe(of):
            return draw(ways_with_none(draw(annotated(of))))
        case Many(of):
            inner = draw(annotated(of))
            return draw(ways(draw(st.sampled_from([f"list[{inner}]", f"List[{inner}]"]))))
        case OneOf(values):
            return draw(ways(f"Literal[{', '.join(map(repr, values))}]"))
    return draw(ways(Names([]).annotation(key_type)))


def values(key_type: KeyType) -> st.SearchStrategy[Any]:
    """Return values of a type."""
    match key_type:
        case Many(of):
            return st.lists(values(of), max_size=3)
        case Maybe(of):
            return st.none() | values(of)
        case OneOf(choices):
            return st.sampled_from(choices)
        case Enumeration():
            return st.sampled_from(key_type.members)
    return {
        "str": WORDS,
        "int": st.integers(),
        "float": st.floats(allow_nan=False, allow_infinity=False),
        "bool": st.booleans(),
    }[key_type.name]


KEY_TYPES = SINGLES | SINGLES.map(Many) | SINGLES.map(Maybe) | SINGLES.map(Many).map(Maybe)


@st.composite
def keys(draw: st.DrawFn, name: str) -> Written:
    """Write a key with some type, and perhaps a default."""
    key_type = draw(KEY_TYPES)
    default: Plain | Required = draw(st.just(REQUIRED) | values(key_type))
    source = None if isinstance(default, Required) else Names([]).literal(key_type, default)
    return Written(KeyParameter(name, key_type, default, "", Where()), draw(annotated(key_type)), source)


@st.composite
def devices(draw: st.DrawFn, name: str) -> Written:
    """Write a device, perhaps optional."""
    short = draw(st.sampled_from(sorted(CONTRACTS)))
    spelled = draw(st.sampled_from([short, f"d.{short}"]))
    optional = draw(st.booleans())
    annotation = draw(ways_with_none(spelled) if optional else ways(spelled))
    return Written(DeviceParameter(name, CONTRACTS[short], optional, Where()), annotation, None)


@st.composite
def models(draw: st.DrawFn) -> list[Written]:
    """Write the parameters of an application: devices, then keys."""
    names = draw(st.lists(NAMES, max_size=5, unique=True))
    cut = draw(st.integers(0, len(names)))
    return [draw(devices(name)) for name in names[:cut]] + [draw(keys(name)) for name in names[cut:]]


def as_class(model: list[Written]) -> str:
    """Write an application with a constructor."""
    positional = [each.source for each in model if isinstance(each.parameter, DeviceParameter)]
    named = [each.source for each in model if isinstance(each.parameter, KeyParameter)]
    star = ["*"] if named else []
    return f"class App:\n    def __init__({', '.join(['self', *positional, *star, *named])}) -> None: ...\n"


def as_dataclass(model: list[Written]) -> str:
    """Write an application with fields; a list's default needs a factory."""
    fields = [_field(each) for each in model]
    keys_from = sum(isinstance(each.parameter, DeviceParameter) for each in model)
    fields.insert(keys_from, "_: KW_ONLY")
    return "@dataclass\nclass App:\n" + "".join(f"    {each}\n" for each in fields)


def _field(each: Written) -> str:
    if each.default is None or not each.default.startswith("["):
        return each.source
    return f"{each.parameter.name}: {each.annotation} = field(default_factory=lambda: {each.default})"


def read(source: str) -> list[Parameter]:
    with TemporaryDirectory() as folder:
        signature = Folder(Path(folder)).app(f"{TOP}{source}    async def run(self) -> None: ...\n").signature()
    return [parameter._replace(where=Where()) for parameter in signature.parameters]


@given(models(), st.sampled_from([as_class, as_dataclass]))
def test_an_application_is_read_as_it_was_meant(model: list[Written], write: Any) -> None:
    source = write(model)
    compile(TOP + source, "app.py", "exec")  # it is Python, so a disagreement is the reader's
    assert read(source) == [each.parameter for each in model]


TEXTS = st.text("abc d:.", min_size=1, max_size=20).map(lambda text: " ".join(text.split())).filter(bool)


@given(st.dictionaries(NAMES, st.lists(TEXTS, min_size=1, max_size=3), max_size=4), st.booleans())
def test_help_is_read_as_it_was_written(texts: dict[str, list[str]], followed: bool) -> None:
    entries = [
        f"    {name}: {lines[0]}" + "".join(f"\n        {more}" for more in lines[1:]) for name, lines in texts.items()
    ]
    docstring = "\n".join(
        ["Serve.", "", "Keys:", *entries, *(["", "Raises:", "    other: no key"] if followed else [])]
    )
    assert key_help(docstring) == {name: " ".join(lines) for name, lines in texts.items()}
