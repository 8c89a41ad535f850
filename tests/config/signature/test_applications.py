"""What "module:name" leads to: an application of ours, an ASGI application, or a mistake; and nothing is imported."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

import fata.device
from fata.config.signature import DeviceParameter, KeyParameter, read_signature
from fata.config.signature.source import Sources
from fata.config.value import INTEGER, NUMBER, TEXT, Enumeration, Many, Maybe, OneOf
from tests.config.conftest import ASKED_HERE, Folder, line_of, refusal

APP = """
from fata.device import Console

class App:
    def __init__(self, console: Console, *, count: int = 1) -> None: ...

    async def run(self) -> None: ...
"""

PLACES = {
    "module": ({"app.py": APP}, "app:App"),
    "module in a package": ({"shop/__init__.py": "", "shop/web.py": APP}, "shop.web:App"),
    "package itself": ({"shop/__init__.py": APP}, "shop:App"),
    "folder without __init__": ({"shop/web.py": APP}, "shop.web:App"),
    "imported into app": ({"app.py": "from web import App", "web.py": APP}, "app:App"),
    "imported under another name": ({"app.py": "from web import App as Shop", "web.py": APP}, "app:Shop"),
    "imported by star": ({"app.py": "from web import *", "web.py": APP}, "app:App"),
    "imported in try": ({"app.py": "try:\n    from web import App\nexcept ImportError: ...", "web.py": APP}, "app:App"),
    "reexported by its package": ({"shop/__init__.py": "from .web import App", "shop/web.py": APP}, "shop:App"),
    "alias": ({"app.py": f"{APP}\nShop = App"}, "app:Shop"),
    "alias of an attribute": ({"app.py": "import web\nShop = web.App", "web.py": APP}, "app:Shop"),
    "under if": ({"app.py": "if True:\n    from web import App", "web.py": APP}, "app:App"),
}


@pytest.mark.parametrize(("files", "subject"), PLACES.values(), ids=PLACES.keys())
def test_an_application_is_found_wherever_it_is_defined(folder: Folder, files: dict[str, str], subject: str) -> None:
    signature = folder.write(files).signature(subject)
    console, count = signature.parameters
    assert f"{signature.module}:{signature.name}" == subject  # main.py imports it as the user named it
    assert not signature.asgi
    assert isinstance(console, DeviceParameter)
    assert isinstance(count, KeyParameter)


ASGI = {
    "object": "app = Starlette()",
    "annotated object": "app: Starlette = Starlette()",
    "one of two": "app, admin = Starlette(), Starlette()",
    "coroutine function": "async def app(scope, receive, send): ...",
    "function": "def app(scope, receive, send): ...",
    "class without run": "class app:\n    async def __call__(self, scope, receive, send): ...",
    "instance of such a class": "class Site:\n    async def __call__(self, scope, receive, send): ...\napp = Site()",
    "wrapped": "app = Starlette()\napp = Gzip(app)",
    "imported": "from web import app",
    "imported from what is not at hand": "from elsewhere import app",
    "imported by alias": "import web\napp = web.app",
    "bound in try": "try:\n    app = Starlette()\nfinally:\n    pass",
    "bound in with": "with open('x') as f:\n    app = Starlette()",
}


@pytest.mark.parametrize("source", ASGI.values(), ids=ASGI.keys())
def test_any_other_callable_is_taken_for_asgi(folder: Folder, source: str) -> None:
    signature = folder.write({"web.py": "app = Starlette()\n"}).app(source).signature("app:app")
    stack, host, port = signature.parameters
    assert (signature.asgi, signature.needs_loop, signature.module, signature.name) == (True, True, "app", "app")
    assert isinstance(stack, DeviceParameter)
    assert (stack.contract, stack.optional) == ("fata.device.stack.Stack", False)
    assert isinstance(host, KeyParameter)
    assert (host.name, host.type, host.default) == ("host", Maybe(TEXT), None)
    assert isinstance(port, KeyParameter)
    assert (port.name, port.type, port.default) == ("port", INTEGER, 80)
    assert host.doc
    assert port.doc


@pytest.mark.parametrize(("source", "line"), [("x = 1\napp = Starlette()", 2), ("x = 1\nfrom web import app", None)])
def test_an_asgi_application_of_this_module_has_a_line(folder: Folder, source: str, line: int | None) -> None:
    signature = folder.write({"web.py": "app = Starlette()\n"}).app(source).signature("app:app")
    assert signature.where.line == line
    assert {parameter.where for parameter in signature.parameters} == {signature.where}


NOT_THERE = {
    "no colon": ("app", ["'app' names no application", "app:Www"]),
    "no name": ("app:", ["'app:' names no application"]),
    "no module": (":App", ["':App' names no application"]),
    "a call": ("app:App()", ["names no application"]),
    "a path": ("shop/web.py:App", ["names no application"]),
    "a dot too many": ("shop..web:App", ["names no application"]),
    "unknown module": ("ap:App", ["there is no module 'ap'", "beside config.py"]),
    "unknown submodule": ("shop.wob:App", ["there is no module 'shop.wob'"]),
    "unknown name": ("app:Ap", ["module 'app' has no 'Ap'", "Did you mean app:App?"]),
    "name like no other": ("app:Zzz", ["module 'app' has no 'Zzz'", "app.py"]),
}


@pytest.mark.parametrize(("subject", "parts"), NOT_THERE.values(), ids=NOT_THERE.keys())
def test_an_application_that_is_not_there_is_blamed_on_who_asks(folder: Folder, subject: str, parts: list[str]) -> None:
    folder.write({"app.py": APP, "shop/__init__.py": "", "shop/web.py": APP})
    error = refusal(lambda: folder.signature(subject))
    assert (error.file, error.line) == ASKED_HERE
    assert [part for part in parts if part not in str(error)] == [], str(error)


BROKEN = {
    "unfinished": ("x = 1\n\ndef app(:\n", 3),
    "from the next Python": ("x = 1\ntype X = int\n", 2),
    "not UTF-8": ("x = 1\ny = '\udcff'\n", 2),
    "NUL": ("x = 1\n\0\n", None),
    "indentation": ("class App:\nasync def run(self): ...\n", 2),
}


@pytest.mark.parametrize(("source", "line"), BROKEN.values(), ids=BROKEN.keys())
def test_a_module_that_cannot_be_parsed_is_blamed_on_its_line(folder: Folder, source: str, line: int | None) -> None:
    file = folder.path / "app.py"
    file.write_bytes(source.encode("utf-8", "surrogateescape"))
    error = refusal(folder.signature)
    assert error.file == str(file)
    assert error.line == line or line is None, str(error)
    assert "app cannot be read" in error.reason


def test_a_syntax_error_in_a_base_is_blamed_there(folder: Folder) -> None:
    folder.write({"app.py": "from bases import Base\nclass App(Base): ...\n", "bases.py": "class Base(\n"})
    error = refusal(folder.signature)
    assert (error.file, error.line) == (str(folder.path / "bases.py"), 1)


def test_nothing_is_imported(folder: Folder) -> None:
    """Each module would leave a file and raise; the application stands behind two packages and a base."""
    bomb = f"open({str(folder.path / 'imported')!r}, 'w').close()\nraise SystemExit('imported')\n"
    folder.write(
        {
            "shop/__init__.py": bomb,
            "shop/kinds.py": f"{bomb}from fata.device import Console as Screen\n",
            "shop/web/__init__.py": f"{bomb}from shop.web.app import App\n",
            "shop/web/app.py": f"{bomb}from ..kinds import Screen\nfrom shop.bases import Base\n"
            "class App(Base):\n    def __init__(self, screen: Screen, *, c: int = 1): ...\n",
            "shop/bases.py": f"{bomb}class Base:\n    async def run(self): ...\n",
        }
    )
    before = set(sys.modules)
    screen, _ = folder.signature("shop.web:App").parameters
    assert isinstance(screen, DeviceParameter)
    assert screen.contract == "fata.device.console.Console"
    assert not (folder.path / "imported").exists()
    assert set(sys.modules) == before


LOOPS = {
    "at the top": ("import asyncio\n", True),
    "in a function": ("def f():\n    from asyncio import sleep\n", True),
    "a submodule": ("import asyncio.subprocess\n", True),
    "through another library": ("import anyio\n", True),
    "for a type checker": ("TYPE_CHECKING = False\nif TYPE_CHECKING:\n    import asyncio\n", False),
    "but for a type checker": ("import typing\nif typing.TYPE_CHECKING:\n    x = 1\nelse:\n    import asyncio\n", True),
    "not at all": ("import json\n", False),
    "only a namesake": ("from .asyncio import sleep\nfrom json import asyncio\n", False),
}


@pytest.mark.parametrize(("top", "needed"), LOOPS.values(), ids=LOOPS.keys())
def test_a_loop_is_needed_by_who_may_import_one(folder: Folder, top: str, needed: bool) -> None:
    folder.write({"shop/__init__.py": "", "shop/web.py": top + APP})
    assert folder.signature("shop.web:App").needs_loop is needed


def test_the_first_folder_of_the_path_wins(tmp_path: Path) -> None:
    near, far = tmp_path / "near", tmp_path / "far"
    Folder(far).write({"app.py": "class App:\n    async def run(self): ...\n", "only.py": APP})
    Folder(near).app(APP)
    sources = Sources([near, far])
    assert len(read_signature(sources, "app:App", ASKED_HERE).parameters) == 2
    assert len(read_signature(sources, "only:App", ASKED_HERE).parameters) == 2


def test_a_folder_with_init_goes_before_a_module_of_its_name(folder: Folder) -> None:
    """As in Python: app/__init__.py hides app.py."""
    folder.write({"app/__init__.py": APP, "app.py": "syntax error"})
    assert len(folder.signature().parameters) == 2


EVERY_FORM = """
import enum
import typing as t
from dataclasses import KW_ONLY, dataclass, field
from typing import Annotated, ClassVar, List, Literal, Optional, Union

import typing_extensions as te
from fata.device import Console, KvRo

class Colour(enum.StrEnum):
    RED = "r"

@dataclass
class App:
    a: Optional[KvRo]
    b: Union[Console, None]
    _: KW_ONLY
    c: Annotated[int, "count"]
    d: Literal["x"]
    e: List[float]
    f: Colour
    g: t.Optional[te.Literal[1]]
    h: te.Annotated[str, ""] = field(default="")
    i: ClassVar[int] = 3
    j: List[Colour] = field(default_factory=list)

    async def run(self) -> None: ...
"""


def test_the_standard_library_may_be_at_hand(folder: Folder) -> None:
    """Its sources say the same of their names as the names alone do."""
    folder.app(EVERY_FORM)
    at_hand = [Path(entry) for entry in sys.path if entry]
    signature = read_signature(Sources([folder.path, *at_hand]), "app:App", ASKED_HERE)
    assert [p.contract for p in signature.parameters if isinstance(p, DeviceParameter)] == [
        "fata.device.kv.KvRo",
        "fata.device.console.Console",
    ]
    colour = Enumeration("app", "Colour", ("RED",))
    assert {p.name: p.type for p in signature.parameters if isinstance(p, KeyParameter)} == {
        "c": INTEGER,
        "d": OneOf(("x",)),
        "e": Many(NUMBER),
        "f": colour,
        "g": Maybe(OneOf((1,))),
        "h": TEXT,
        "j": Many(colour),
    }
    assert signature == folder.signature()


@pytest.mark.parametrize("contract", fata.device.__all__)
def test_every_contract_of_ours_is_found_by_the_name_it_has_at_run_time(folder: Folder, contract: str) -> None:
    folder.app(
        "import fata.device as d\nclass App:\n"
        f"    def __init__(self, x: d.{contract}): ...\n    async def run(self): ..."
    )
    (device,) = folder.signature().parameters
    assert isinstance(device, DeviceParameter)
    kind = getattr(fata.device, contract)
    assert device.contract == f"{kind.__module__}.{kind.__qualname__}"
    assert device.where.line == line_of(folder.path / "app.py", "__init__")
