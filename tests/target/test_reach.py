"""Which modules belong to an application, and which imports must be there before it runs."""

from __future__ import annotations

import importlib
import sys
import zipfile

import pytest

from fata.config.project import load
from fata.target.reach import check_imports, own_modules
from tests.config.conftest import OWN_SOURCE, Folder, assert_blames, line_of, refusal

CONFIG = 'from fata.config import main, register\n\nregister("app", main("app:App"))\n'
APP = "class App:\n    async def run(self) -> None: ...\n"
MISSING = "surely_not_there"


NEEDY = "from fata.device import KvRo\n\nclass App:\n    def __init__(self, store: KvRo) -> None: ...\n"
NEEDY += "    async def run(self) -> None: ...\n"


def own(folder: Folder) -> list[str]:
    return [module.name for module in own_modules(folder.config(CONFIG).graph())]


def check(folder: Folder, top: str) -> None:
    check_imports(folder.config(CONFIG).app(f"{top}\n{APP}").graph())


REACHED = {
    "alone": ({"app.py": APP, "other.py": ""}, ["app"]),
    "import": ({"app.py": f"import one\n{APP}", "one.py": ""}, ["app", "one"]),
    "from": ({"app.py": f"from one import x\n{APP}", "one.py": "x = 1"}, ["app", "one"]),
    "through another": ({"app.py": f"import one\n{APP}", "one.py": "import two", "two.py": ""}, ["app", "one", "two"]),
    "in a circle": ({"app.py": f"import one\n{APP}", "one.py": "import app"}, ["app", "one"]),
    "in a function": ({"app.py": f"def f():\n    import one\n{APP}", "one.py": ""}, ["app", "one"]),
    "in a class": ({"app.py": f"class C:\n    import one\n{APP}", "one.py": ""}, ["app", "one"]),
    "in a loop": ({"app.py": f"for x in ():\n    import one\n{APP}", "one.py": ""}, ["app", "one"]),
    "in a handler": (
        {"app.py": f"try:\n    import json\nexcept ImportError:\n    import one\n{APP}", "one.py": ""},
        ["app", "one"],
    ),
    "base of another module": ({"app.py": "from one import App", "one.py": APP}, ["app", "one"]),
    "package": (
        {"app.py": f"import shop.web\n{APP}", "shop/__init__.py": "", "shop/web.py": ""},
        ["app", "shop", "shop.web"],
    ),
    "module from its package": (
        {"app.py": f"from shop import web\n{APP}", "shop/__init__.py": "", "shop/web.py": ""},
        ["app", "shop", "shop.web"],
    ),
    "relative": (
        {
            "app.py": f"from shop.web import x\n{APP}",
            "shop/__init__.py": "from . import kinds",
            "shop/kinds.py": "",
            "shop/web.py": "from .kinds import x",
        },
        ["app", "shop", "shop.kinds", "shop.web"],
    ),
    "package without __init__": ({"app.py": f"import shop.web\n{APP}", "shop/web.py": ""}, ["app", "shop.web"]),
    "where only some programs come": (
        {"app.py": f"match 1:\n    case 2:\n        import shelf\n{APP}", "shelf.py": ""},
        ["app", "shelf"],
    ),
    "installed in a .venv beside it": (
        {"app.py": f"import shelf\n{APP}", ".venv/lib/shelf/__init__.py": f"import {MISSING}"},
        ["app"],
    ),
}


def test_a_device_of_the_application_is_one_of_its_modules(folder: Folder) -> None:
    files = {"upper.py": "import shelf\n\nclass Upper: ...\n", "shelf.py": "", "app.py": NEEDY}
    entry = 'Entry("upper", KvRo, {"*": "upper:Upper"}, "")'
    config = "from fata.config import *\nfrom fata.device import KvRo\n"
    folder.write(files).config(f"{config}register('a', main('app:App', store=device({entry})))\n")
    assert [module.name for module in own_modules(folder.graph())] == ["app", "shelf", "upper"]


@pytest.mark.parametrize(("files", "names"), REACHED.values(), ids=REACHED.keys())
def test_own_modules_are_those_beside_config_that_are_reached(
    folder: Folder, files: dict[str, str], names: list[str]
) -> None:
    folder.write(files).config(CONFIG)
    graph = folder.graph()
    search = (OWN_SOURCE, folder.path / ".venv" / "lib")
    graph = graph._replace(project=load(str(folder.path), search))
    assert [module.name for module in own_modules(graph)] == names
    check_imports(graph)


PRESENT = {
    "standard library": "import json, os.path\nfrom collections import abc",
    "fata": "import fata.device",
    "own": "import app",
    "guarded": f"try:\n    import {MISSING}\nexcept ImportError:\n    pass",
    "guarded by ModuleNotFoundError": f"try:\n    import {MISSING}\nexcept ModuleNotFoundError:\n    pass",
    "guarded by Exception": f"try:\n    import {MISSING}\nexcept Exception:\n    pass",
    "guarded by all": f"try:\n    import {MISSING}\nexcept:\n    pass",
    "guarded with others": f"try:\n    import {MISSING}\nexcept (OSError, ImportError):\n    pass",
    "guarded deeper": f"try:\n    if True:\n        import {MISSING}\nexcept ImportError:\n    pass",
    "guarded by a group": f"try:\n    import {MISSING}\nexcept* ImportError:\n    pass",
    "suppressed": f"import contextlib\nwith contextlib.suppress(ImportError):\n    import {MISSING}",
    "in a case": f"match 1:\n    case 2:\n        import {MISSING}",
    "else of a guard": f"try:\n    import {MISSING}\nexcept ImportError:\n    pass\nelse:\n    import {MISSING}.more",
    "the fallback of what is there": f"try:\n    import tomllib\nexcept ImportError:\n    import {MISSING} as tomllib",
    "TYPE_CHECKING": f"from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import {MISSING}",
    "typing.TYPE_CHECKING": f"import typing\nif typing.TYPE_CHECKING:\n    from {MISSING} import x",
    "for an older Python": (
        f"import sys\nif sys.version_info >= (3, 11):\n    import tomllib\nelse:\n    import {MISSING} as tomllib"
    ),
    "for another platform": f"import sys\nif sys.platform == 'win32':\n    import {MISSING}",
    "in a function": f"def f():\n    import {MISSING}",
    "in a coroutine": f"async def f():\n    from {MISSING} import x",
    "in a method": f"class C:\n    def f(self):\n        import {MISSING}",
}


@pytest.mark.parametrize("top", PRESENT.values(), ids=PRESENT.keys())
def test_an_import_that_need_not_be_there_is_let_pass(folder: Folder, top: str) -> None:
    check(folder, top)


ABSENT = {
    "import": f"import {MISSING}",
    "from": f"from {MISSING} import x",
    "submodule": f"import {MISSING}.web.app",
    "renamed": f"import {MISSING} as m",
    "second of two": f"import json, {MISSING}",
    "in a class": f"class C:\n    import {MISSING}",
    "in with": f"with open('x') as f:\n    import {MISSING}",
    "else of a loop": f"for _ in ():\n    pass\nelse:\n    import {MISSING}",
    "guarded against something else": f"try:\n    import {MISSING}\nexcept ValueError:\n    pass",
    "in finally": f"try:\n    pass\nexcept ImportError:\n    pass\nfinally:\n    import {MISSING}",
}


@pytest.mark.parametrize("top", ABSENT.values(), ids=ABSENT.keys())
def test_an_import_that_is_not_there_is_told_at_its_line(folder: Folder, top: str) -> None:
    error = refusal(lambda: check(folder, top))
    file = folder.path / "app.py"
    assert_blames(error, file, line_of(file, MISSING), f"app imports {MISSING!r}"[:-1], f"pip install {MISSING}")


def test_it_is_told_at_its_line_in_whichever_module(folder: Folder) -> None:
    folder.write({"one.py": f"import json\n\nimport {MISSING}\n"})
    error = refusal(lambda: check(folder, "import one"))
    assert_blames(error, folder.path / "one.py", 3, f"one imports {MISSING!r}")


def test_a_relative_import_without_a_package_is_told(folder: Folder) -> None:
    error = refusal(lambda: check(folder, "from . import one"))
    assert_blames(error, folder.path / "app.py", 1, "app imports '.one'", "without the dots")


@pytest.mark.parametrize("name", ["compiled.cpython-311-x86_64-linux-gnu.so", "compiled.abi3.so", "compiled.so"])
def test_a_compiled_module_is_there(folder: Folder, name: str) -> None:
    folder.write({name: ""})
    check(folder, "import compiled")


def test_what_only_an_import_hook_finds_is_there(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = folder.path / "shelf.zip"
    with zipfile.ZipFile(archive, "w") as opened:
        opened.writestr("in_a_zip.py", "raise SystemExit('imported')")
    monkeypatch.syspath_prepend(archive)
    importlib.invalidate_caches()
    check(folder, "import in_a_zip")
    assert "in_a_zip" not in sys.modules
