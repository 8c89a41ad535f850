"""What one module asks of the image: every form of import, and when it is carried out."""

from __future__ import annotations

import ast

import pytest

from fata.target.image.guest import truth
from fata.target.image.imports import Need, Reading, read


def reading(source: str, name: str = "pack.mod", *, package: bool = False) -> Reading:
    return read(name, package=package, source=source.encode(), tree=ast.parse(source))


def needs(source: str, name: str = "pack.mod", *, package: bool = False) -> dict[str, Need]:
    return {each.module: each.need for each in reading(source, name, package=package).imports}


ALWAYS, GUARDED, LATE, LATE_GUARDED = Need.ALWAYS, Need.GUARDED, Need.LATE, Need.LATE_GUARDED


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import a, b.c", {"a": ALWAYS, "b.c": ALWAYS}),
        ("class C:\n    import a", {"a": ALWAYS}),
        ("for x in y:\n    import a\nelse:\n    import b", {"a": ALWAYS, "b": ALWAYS}),
        ("with x:\n    import a", {"a": ALWAYS}),
        ("with suppress(ImportError):\n    import a", {"a": GUARDED}),
        ("def f():\n    import a", {"a": LATE}),
        ("async def f():\n    try:\n        import a\n    except ImportError:\n        pass", {"a": LATE_GUARDED}),
        ("try:\n    import a\nexcept ImportError:\n    import b", {"a": GUARDED, "b": GUARDED}),
        ("try:\n    import a\nexcept (KeyError, ModuleNotFoundError):\n    a = None", {"a": GUARDED}),
        ("try:\n    import a\nexcept:\n    a = None", {"a": GUARDED}),
        ("try:\n    import a\nexcept KeyError:\n    a = None", {"a": ALWAYS}),
        ("try:\n    import a\nexcept ImportError:\n    raise RuntimeError('install a')", {"a": ALWAYS}),
        ("try:\n    import a\nfinally:\n    import b", {"a": ALWAYS, "b": ALWAYS}),
        ("if x:\n    import a\nelse:\n    import b", {"a": GUARDED, "b": GUARDED}),
        ("if TYPE_CHECKING:\n    import a\nelse:\n    import b", {"b": ALWAYS}),
        ("if sys.platform == 'win32':\n    import a\nelif os.name == 'posix':\n    import b", {"b": ALWAYS}),
        ("if sys.version_info >= (3, 12):\n    import a\nelse:\n    import b", {"b": ALWAYS}),
        ("if __name__ == '__main__':\n    import a", {}),
        ("match x:\n    case 1:\n        import a", {"a": GUARDED}),
        ("import importlib\nimportlib.import_module('a.b')", {"importlib": ALWAYS, "a.b": ALWAYS}),
        (
            "from importlib import import_module\nx = [import_module('..q', __name__)]",
            {"importlib": ALWAYS, "q": ALWAYS},
        ),
        ("def f():\n    return __import__('a')", {"a": LATE}),
        ("def f(x):\n    return x.strptime('1', '%d')", {"_strptime": LATE_GUARDED}),
    ],
)
def test_an_import_is_found_with_its_need(source: str, expected: dict[str, Need]) -> None:
    assert needs(source) == expected


@pytest.mark.parametrize(
    ("source", "package", "module"),
    [
        ("from . import x", False, "pack"),
        ("from . import x", True, "pack.mod"),
        ("from .y import x", False, "pack.y"),
        ("from ..y import x", True, "pack.y"),
        ("from .. import x", False, ""),
    ],
)
def test_relative_imports_are_relative_to_the_package(source: str, package: bool, module: str) -> None:
    assert list(needs(source, package=package)) == [module]


def test_names_of_a_from_import_are_kept_for_they_may_be_modules() -> None:
    (found,) = reading("from a import b, c as d").imports
    assert found.names == ("b", "c")


def test_an_import_that_only_running_can_tell_is_noted_by_its_line() -> None:
    found = reading("import importlib\n\nimportlib.import_module(f'plugins.{x}')\n")
    assert found.computed == (3,)


def test_second_processes_are_noted() -> None:
    found = reading(
        "import os\nfrom os import execvp, path\nos.fork()\nf = os.system\nos.path.join('a')\nos.getpid()\n"
    )
    assert found.processes == (("os.execvp", 2), ("os.fork", 3), ("os.system", 4))


@pytest.mark.parametrize(
    ("source", "codecs"),
    [
        ("x.encode('idna')", ("idna",)),
        ("x.decode(given or 'cp437')", ("cp437",)),
        ("open(p, encoding='latin-1')", ("latin-1",)),
        ("codecs.lookup('utf-16')", ("utf-16",)),
        ("x.encode()", ()),
        ("x.encode(name)", ()),
    ],
)
def test_codecs_are_noted(source: str, codecs: tuple[str, ...]) -> None:
    assert reading(source).codecs == codecs


@pytest.mark.parametrize(
    ("condition", "value"),
    [
        ("TYPE_CHECKING", False),
        ("typing.TYPE_CHECKING", False),
        ("not TYPE_CHECKING", True),
        ("sys.platform == 'linux'", True),
        ("sys.platform != 'win32'", True),
        ("sys.platform in ('win32', 'darwin')", False),
        ("sys.platform not in ('win32',)", True),
        ("sys.platform.startswith('lin')", True),
        ("os.name == 'nt'", False),
        ("sys.version_info < (3, 11)", False),
        ("sys.version_info > (3, 11)", True),  # it is 3.11.2
        ("sys.version_info <= (3, 11)", False),
        ("sys.version_info >= (3, 11)", True),
        ("sys.version_info[0] == 3", None),
        ("sys.platform == here", None),
        ("TYPE_CHECKING or x", None),
        ("TYPE_CHECKING and x", False),
        ("not TYPE_CHECKING or x", True),
        ("TYPE_CHECKING or os.name == 'nt'", False),
        ("HAVE_SSL", None),
        ("0", False),
        ("f(1)", None),
    ],
)
def test_conditions_are_judged_for_the_guest(condition: str, value: bool | None) -> None:
    assert truth(ast.parse(condition, mode="eval").body) is value
