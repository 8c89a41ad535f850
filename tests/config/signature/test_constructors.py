"""Where a class's parameters come from: its own constructor, its fields, or what it inherits."""

from __future__ import annotations

import pytest

from fata.config.keys import Required
from fata.config.signature import DeviceParameter, Parameter, Signature
from fata.target.spelling import Names
from tests.config.conftest import Folder, assert_blames, line_of, refusal

RUN = "    async def run(self) -> None: ...\n"
CONSOLE = "fata.device.console.Console"
KV_RO = "fata.device.kv.KvRo"


def outline(signature: Signature) -> list[str]:
    """Write the parameters in short: "site: KvRo", "*port: int = 80"."""
    return [_line(parameter) for parameter in signature.parameters]


def _line(parameter: Parameter) -> str:
    if isinstance(parameter, DeviceParameter):
        return f"{parameter.name}: {parameter.contract.rpartition('.')[2]}{' | None' if parameter.optional else ''}"
    default = "" if isinstance(parameter.default, Required) else f" = {parameter.default!r}"
    return f"*{parameter.name}: {Names([]).annotation(parameter.type)}{default}"


CONSTRUCTORS = {
    "nothing": (f"class App:\n{RUN}", []),
    "no parameters": (f"class App:\n    def __init__(self) -> None: ...\n{RUN}", []),
    "devices and keys": (
        f"class App:\n    def __init__(self, a: KvRo, b: Console | None, *, c: int, d: str = 'x'): ...\n{RUN}",
        ["a: KvRo", "b: Console | None", "*c: int", "*d: str = 'x'"],
    ),
    "positional-only": (
        f"class App:\n    def __init__(self, a: KvRo, /, b: Console, *, c: int): ...\n{RUN}",
        ["a: KvRo", "b: Console", "*c: int"],
    ),
    "self is called otherwise": (f"class App:\n    def __init__(this, a: KvRo): ...\n{RUN}", ["a: KvRo"]),
    "keys alone": (f"class App:\n    def __init__(self, *, c: int = 1): ...\n{RUN}", ["*c: int = 1"]),
    "overloads": (
        "from typing import overload\nclass App:\n"
        "    @overload\n    def __init__(self): ...\n    @overload\n    def __init__(self, a: KvRo): ...\n"
        f"    def __init__(self, a: KvRo | None = None): ...\n{RUN}",
        ["a: KvRo | None"],
    ),
    "decorated": (
        f"class App:\n    @staticmethod\n    def x(): ...\n    @deco\n    def __init__(self, a: KvRo): ...\n{RUN}",
        ["a: KvRo"],
    ),
    "class decorated": (f"@final\nclass App:\n    def __init__(self, a: KvRo): ...\n{RUN}", ["a: KvRo"]),
    "class decorated, nothing else": (f"@final\nclass App:\n    count: int = 3\n{RUN}", []),
    "attributes declared in the body": (f"class App:\n    a: KvRo\n    b: int = 3\n{RUN}", []),
}
INHERITED = {
    "same module": (
        f"class Base:\n    def __init__(self, a: KvRo, *, c: int): ...\n{RUN}class App(Base): ...\n",
        ["a: KvRo", "*c: int"],
    ),
    "only run": (f"class Base:\n{RUN}class App(Base):\n    def __init__(self, a: KvRo): ...\n", ["a: KvRo"]),
    "grandparent": (
        f"class A:\n    def __init__(self, a: KvRo): ...\nclass B(A): ...\nclass App(B):\n{RUN}",
        ["a: KvRo"],
    ),
    "replaced": (
        "class Base:\n    def __init__(self, a: KvRo): ...\n"
        f"class App(Base):\n    def __init__(self, b: Console): ...\n{RUN}",
        ["b: Console"],
    ),
    "first base first": (
        "class A:\n    def __init__(self, a: KvRo): ...\nclass B:\n    def __init__(self, b: Console): ...\n"
        f"class App(A, B):\n{RUN}",
        ["a: KvRo"],
    ),
    "a shared base comes last": (
        "class Base:\n    def __init__(self, a: KvRo): ...\nclass Left(Base): ...\n"
        f"class Right(Base):\n    def __init__(self, b: Console): ...\nclass App(Left, Right):\n{RUN}",
        ["b: Console"],
    ),
    "imported base": (f"from bases import Served\nclass App(Served):\n{RUN}", ["root: Block", "*depth: int = 4"]),
    "attribute base": (f"import bases\nclass App(bases.Served):\n{RUN}", ["root: Block", "*depth: int = 4"]),
    "generic base": (f"import bases\nclass App(bases.Generic[int]):\n{RUN}", ["root: Block"]),
    "generic class": (f"class App[T]:\n{RUN}".replace("[T]", "(Protocol[int])"), []),
    "base not at hand": (
        f"from elsewhere import Base\nclass App(Base):\n    def __init__(self, a: KvRo): ...\n{RUN}",
        ["a: KvRo"],
    ),
}
DATACLASSES = {
    "devices": (
        f"@dataclass\nclass App:\n    a: KvRo\n    b: Console | None = None\n{RUN}",
        ["a: KvRo", "b: Console | None"],
    ),
    "called": (f"@dataclass(frozen=True, slots=True)\nclass App:\n    a: KvRo\n{RUN}", ["a: KvRo"]),
    "attribute": (f"import dataclasses\n@dataclasses.dataclass\nclass App:\n    a: KvRo\n{RUN}", ["a: KvRo"]),
    "renamed": (f"from dataclasses import dataclass as data\n@data\nclass App:\n    a: KvRo\n{RUN}", ["a: KvRo"]),
    "beside another decorator": (f"@final\n@dataclass\nclass App:\n    a: KvRo\n{RUN}", ["a: KvRo"]),
    "kw_only=True": (
        f"@dataclass(kw_only=True)\nclass App:\n    c: int\n    d: str = 'x'\n{RUN}",
        ["*c: int", "*d: str = 'x'"],
    ),
    "KW_ONLY": (
        f"@dataclass\nclass App:\n    a: KvRo\n    _: KW_ONLY\n    c: int = 1\n    d: bool = False\n{RUN}",
        ["a: KvRo", "*c: int = 1", "*d: bool = False"],
    ),
    "KW_ONLY in quotes": (
        f"@dataclass\nclass App:\n    _: 'KW_ONLY'\n    c: int = 1\n{RUN}",
        ["*c: int = 1"],
    ),
    "dataclasses.KW_ONLY": (
        f"import dataclasses\n@dataclass\nclass App:\n    _: dataclasses.KW_ONLY\n    c: int = 1\n{RUN}",
        ["*c: int = 1"],
    ),
    "field(kw_only=True)": (
        f"@dataclass\nclass App:\n    c: int = field(kw_only=True)\n    a: KvRo\n{RUN}",
        ["a: KvRo", "*c: int"],
    ),
    "field(kw_only=False)": (
        f"@dataclass(kw_only=True)\nclass App:\n    c: int\n    a: KvRo = field(kw_only=False)\n{RUN}",
        ["a: KvRo", "*c: int"],
    ),
    "field(default)": (
        f"@dataclass(kw_only=True)\nclass App:\n    c: int = field(default=3, repr=False)\n{RUN}",
        ["*c: int = 3"],
    ),
    "dataclasses.field": (
        f"import dataclasses as dc\n@dc.dataclass(kw_only=True)\nclass App:\n    c: int = dc.field(default=3)\n{RUN}",
        ["*c: int = 3"],
    ),
    "device's field": (
        f"@dataclass\nclass App:\n    a: KvRo | None = field(default=None, repr=False)\n{RUN}",
        ["a: KvRo | None"],
    ),
    "default_factory=list": (
        f"@dataclass(kw_only=True)\nclass App:\n    c: list[int] = field(default_factory=list)\n{RUN}",
        ["*c: list[int] = []"],
    ),
    "default_factory=lambda": (
        f"@dataclass(kw_only=True)\nclass App:\n    c: list[int] = field(default_factory=lambda: [80, 443])\n{RUN}",
        ["*c: list[int] = [80, 443]"],
    ),
    "field(init=False)": (
        f"@dataclass\nclass App:\n    a: KvRo\n    count: int = field(default=0, init=False)\n{RUN}",
        ["a: KvRo"],
    ),
    "ClassVar": (
        f"@dataclass\nclass App:\n    a: KvRo\n    b: ClassVar[int] = 3\n"
        f"    c: ClassVar = 4\n    d: 'ClassVar[int]' = 5\n{RUN}",
        ["a: KvRo"],
    ),
    "typing.ClassVar": (
        f"import typing\n@dataclass\nclass App:\n    a: KvRo\n    b: typing.ClassVar[int] = 3\n{RUN}",
        ["a: KvRo"],
    ),
    "no annotation, no field": (f"@dataclass\nclass App:\n    a: KvRo\n    count = 3\n{RUN}", ["a: KvRo"]),
    "constructor of its own": (
        f"@dataclass\nclass App:\n    c: int\n    def __init__(self, a: KvRo): ...\n{RUN}",
        ["a: KvRo"],
    ),
    "init=False": (
        "class Base:\n    def __init__(self, a: KvRo): ...\n"
        f"@dataclass(init=False)\nclass App(Base):\n    c: int\n{RUN}",
        ["a: KvRo"],
    ),
    "inherits fields": (
        "@dataclass\nclass Base:\n    a: KvRo\n    _: KW_ONLY\n    c: int = 1\n"
        f"@dataclass\nclass App(Base):\n    b: Console\n{RUN}",
        ["a: KvRo", "b: Console", "*c: int = 1"],
    ),
    "a field replaced keeps its place": (
        "@dataclass(kw_only=True)\nclass Base:\n    c: int = 1\n    d: int = 2\n"
        f"@dataclass(kw_only=True)\nclass App(Base):\n    e: int = 3\n    c: str = 'x'\n{RUN}",
        ["*c: str = 'x'", "*d: int = 2", "*e: int = 3"],
    ),
    "inherits imported fields": (
        f"from bases import Data\n@dataclass\nclass App(Data):\n    b: Console\n{RUN}",
        ["root: Block", "b: Console", "*depth: int = 4"],
    ),
    "of a plain class": (
        "class Base:\n    x: int\n    def __init__(self, z: Console): ...\n"
        f"@dataclass\nclass App(Base):\n    a: KvRo\n{RUN}",
        ["a: KvRo"],
    ),
    "below a plain class": (f"@dataclass\nclass Base:\n    a: KvRo\nclass App(Base):\n    b: int\n{RUN}", ["a: KvRo"]),
}
BASES_FILE = """
from dataclasses import KW_ONLY, dataclass
from fata.device import Block
import typing

DEPTH = 4

class Served:
    def __init__(self, root: Block, *, depth: int = DEPTH) -> None: ...

class Generic(typing.Generic[typing.TypeVar("T")]):
    def __init__(self, root: Block) -> None: ...

@dataclass
class Data:
    root: Block
    _: KW_ONLY
    depth: int = DEPTH
"""
TOP = """
from dataclasses import KW_ONLY, dataclass, field
from typing import ClassVar, Protocol, final
from fata.device import Console, KvRo
"""

ALL = {
    f"{kind}: {name}": case
    for kind, cases in {"__init__": CONSTRUCTORS, "inherited": INHERITED, "dataclass": DATACLASSES}.items()
    for name, case in cases.items()
}


@pytest.mark.parametrize(("source", "parameters"), ALL.values(), ids=ALL.keys())
def test_parameters_are_found(folder: Folder, source: str, parameters: list[str]) -> None:
    folder.write({"bases.py": BASES_FILE, "app.py": TOP + source})
    assert outline(folder.signature()) == parameters


def test_names_in_an_inherited_constructor_mean_what_they_mean_there(folder: Folder) -> None:
    """`Store` is one contract in app.py and another in bases.py; so are the defaults."""
    folder.write({"bases.py": "from fata.device import KvRo as Store\nSIZE = 1\n" + _base("Store", "SIZE")})
    folder.app(f"from fata.device import Console as Store\nfrom bases import Base\nSIZE = 2\nclass App(Base):\n{RUN}")
    assert outline(folder.signature()) == ["store: KvRo", "*size: int = 1"]


def _base(contract: str, size: str) -> str:
    return f"class Base:\n    def __init__(self, store: {contract}, *, size: int = {size}): ...\n"


def test_a_parameter_points_to_its_own_line(folder: Folder) -> None:
    folder.app("""
        from fata.device import Console

        class Base:
            def __init__(
                self,
                console: Console,
                *,
                count: int = 1,
            ) -> None: ...

        class App(Base):
            async def run(self) -> None: ...
        """)
    signature = folder.signature()
    assert [parameter.where.line for parameter in signature.parameters] == [6, 8]
    assert signature.where.line == 11


REFUSED = {
    "*arguments": (
        "class App:\n    def __init__(self, *devices: KvRo): ...",
        "__init__",
        ["*arguments", "every device"],
    ),
    "**arguments": ("class App:\n    def __init__(self, **keys: int): ...", "__init__", ["**arguments", "every key"]),
    "no annotation on a device": (
        "class App:\n    def __init__(self, site): ...",
        "__init__",
        ["`site` has no annotation"],
    ),
    "no annotation on a key": (
        "class App:\n    def __init__(self, *, port=80): ...",
        "__init__",
        ["`port` has no annotation"],
    ),
    "a text among devices": (
        "class App:\n    def __init__(self, name: str): ...",
        "__init__",
        ["`str` is no device", "`*`"],
    ),
    "a device among keys": (
        "class App:\n    def __init__(self, *, site: KvRo): ...",
        "__init__",
        ["`KvRo` is no type for a key", "before the `*`"],
    ),
    "a text among fields": (
        "@dataclass\nclass App:\n    name: str = 'x'",
        "name: str",
        ["`str` is no device", "kw_only=True"],
    ),
    "a default for a device": (
        "class App:\n    def __init__(self, site: KvRo = KvRo()): ...",
        "__init__",
        ["`site` has a default", "Only None"],
    ),
    "a number for a device": (
        "class App:\n    def __init__(self, site: KvRo = 3): ...",
        "__init__",
        ["`site` has a default", "Only None"],
    ),
    "a call that is not field()": (
        "@dataclass(kw_only=True)\nclass App:\n    c: int = compute(default=3)",
        "c: int",
        ["`compute(default=3)` of `c` is not known"],
    ),
    "a device's factory": (
        "@dataclass\nclass App:\n    site: KvRo = field(default_factory=KvRo)",
        "site: KvRo",
        ["`site` has a default"],
    ),
    "a key's factory": (
        "@dataclass(kw_only=True)\nclass App:\n    c: list[int] = field(default_factory=tuple)",
        "c: list",
        ["`tuple` of `c` is not known"],
    ),
    "InitVar": (
        "from dataclasses import InitVar\n@dataclass(kw_only=True)\nclass App:\n    c: InitVar[int]",
        "InitVar[int]",
        ["`InitVar[int]` is no type for a key"],
    ),
    "__new__": ("class App:\n    def __new__(cls, site: KvRo): ...", "class App", ["cannot be read", "@dataclass"]),
    "NamedTuple": (
        "from typing import NamedTuple\nclass App(NamedTuple):\n    a: KvRo",
        "class App",
        ["cannot be read"],
    ),
    "another decorator's fields": (
        "import attrs\n@attrs.define\nclass App:\n    a: KvRo",
        "class App",
        ["cannot be read"],
    ),
    "its own base": ("class App(App):\n    pass", "class App", ["inherits from itself"]),
    "bases in a circle": ("class Base(App): ...\nclass App(Base):\n    pass", "class App", ["inherits from itself"]),
    "run that is no coroutine": (
        "class App:\n    def run(self): ...\n    ",
        "def run",
        ["App.run is not a coroutine", "async def"],
    ),
}


@pytest.mark.parametrize(("source", "line", "parts"), REFUSED.values(), ids=REFUSED.keys())
def test_a_constructor_outside_the_subset_is_refused(folder: Folder, source: str, line: str, parts: list[str]) -> None:
    run = "" if "def run" in source else f"\n{RUN}"
    folder.app(f"{TOP}{source}{run}")
    file = folder.path / "app.py"
    assert_blames(refusal(folder.signature), file, line_of(file, line), *parts)


def test_an_inherited_run_that_is_no_coroutine_is_blamed_where_it_stands(folder: Folder) -> None:
    folder.write({"bases.py": "class Base:\n    x = 1\n    def run(self): ...\n"})
    folder.app("from bases import Base\nclass App(Base): ...\n")
    assert_blames(refusal(folder.signature), folder.path / "bases.py", 3, "Base.run")
