"""main.py: as it is read by people (golden files), and with names that cannot be mistaken for one another."""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path

import pytest

from fata.target.spelling import WIDTH, Names, call
from tests.config.conftest import Folder
from tests.target.programs import PROGRAMS, TWINS

GOLDEN = Path(__file__).parent / "golden"


@pytest.mark.parametrize("name", ["hello", "web", "two_jobs"])
def test_a_program_reads_as_we_want_it_to(folder: Folder, name: str) -> None:
    program = PROGRAMS[name]
    assert program.write(folder).program(*program.words) == (GOLDEN / f"{name}.txt").read_text("utf-8")


def written(folder: Folder, name: str) -> str:
    program = PROGRAMS[name]
    return program.write(folder).program(*program.words)


@pytest.mark.parametrize("name", PROGRAMS)
def test_no_name_stands_for_two_things(folder: Folder, name: str) -> None:
    tree = ast.parse(written(folder, name))
    (wire,) = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    inside = [node.name for node in wire.body if isinstance(node, ast.AsyncFunctionDef)]
    outside = list(bound(tree.body))
    arguments = [argument.arg for argument in wire.args.args]
    counted = Counter([*inside, *outside, *arguments])
    assert [name for name, count in counted.items() if count > 1] == []


def bound(body: list[ast.stmt]) -> list[str]:
    """Return what statements bind, once for each time."""
    names: list[str] = []
    for statement in body:
        match statement:
            case ast.ImportFrom(names=aliases) | ast.Import(names=aliases):
                names += [alias.asname or alias.name for alias in aliases]
            case ast.AnnAssign(target=ast.Name(id=target)) | ast.Assign(targets=[ast.Name(id=target)]):
                names.append(target)
            case ast.FunctionDef(name=target):
                names.append(target)
            case ast.If(body=inner):
                names += bound(inner)
    return names


@pytest.mark.parametrize("name", PROGRAMS)
def test_every_name_that_is_used_is_bound_and_the_other_way_round(folder: Folder, name: str) -> None:
    tree = ast.parse(written(folder, name))
    names = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
    used = {node.id for node in names if isinstance(node.ctx, ast.Load)}
    functions = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    available = {*bound(tree.body), *functions, "devices", "given", "__name__", "str", "int", "float", "bool", "list"}
    assert used - available == set()
    jobs = {job.id for job in PROGRAMS[name].write(folder).graph(*PROGRAMS[name].words).jobs}
    unused = set(bound(tree.body)) - used - {"annotations", "asyncio"}
    assert unused - jobs == set()


@pytest.mark.parametrize("name", PROGRAMS)
def test_no_line_is_long_unless_a_text_in_it_is(folder: Folder, name: str) -> None:
    long = [line for line in written(folder, name).splitlines() if len(line) > WIDTH]
    assert [line for line in long if line.count('"') < 2] == []


def test_things_of_one_name_are_told_apart(folder: Folder) -> None:
    text = TWINS.write(folder).program()
    for line in (
        "from twin_one import Mode, Twin",
        "    Mode as Mode_2,",
        "    Twin as Twin_2,",
        'MODE: Argument[Mode] = Argument("mode", enum(Mode), default=Mode.A)',
        'INTEGER_MODE: Argument[Mode_2] = Argument("integer-mode", enum(Mode_2), default=Mode_2.B)',
        'ARGUMENT: Argument[int] = Argument("argument", integer_3, default=1)',
        'NAMES: Argument[list[str]] = Argument("names", many_2(text_2))',
        "        await wire_2(www=given[C_WWW], values=given[C_VALUES]).run()",
        "        await WWW(www=8, values=Mode_2.B).run()",
    ):
        assert line in text.splitlines()


def test_a_program_of_a_key_that_fixed_it_does_not_offer_it(folder: Folder) -> None:
    text = written(folder, "devices")
    assert '"kv"' not in text
    assert 'kv="folder"' in text


def test_a_required_key_has_no_default(folder: Folder) -> None:
    text = written(folder, "web")
    assert 'PORT: Argument[int] = Argument("port", integer, doc="TCP port to listen on")' in text
    assert '"port", integer, default=8080' in PROGRAMS["web"].write(folder).program("--port=8080")


def test_a_program_imports_asyncio_only_for_who_needs_it(folder: Folder) -> None:
    assert "asyncio" not in written(folder, "hello")
    assert "import asyncio  # noqa: F401" in written(folder, "web")


def test_the_version_and_the_name_are_texts(folder: Folder) -> None:
    text = PROGRAMS["hello"].write(folder).program()
    assert text.startswith('"""hello for unix, written by `fata`.')
    assert 'boot("hello", "0.1.0", (NAME, COUNT), wire)' in text


def test_a_program_without_keys_has_an_empty_tuple(folder: Folder) -> None:
    folder.app("class App:\n    async def run(self) -> None: ...\n")
    folder.config("from fata.config import *\nregister('a', main('app:App'))\n")
    assert 'boot("a", "0.1.0", (), wire)' in folder.program()
    assert "\n\n\n\n" not in folder.program()


def test_calls_are_wrapped_an_argument_a_line() -> None:
    assert list(call("f", ["a", ("b",), ()], "  ")) == ["  f(a, (b,), ())"]
    assert list(call("f", ["a" * 60, ("b", "c"), "d" * 60])) == [
        "f(",
        f"    {'a' * 60},",
        "    (b, c),",
        f"    {'d' * 60},",
        ")",
    ]
    assert list(call("f", [("b" * 60, "c" * 60), "d"])) == [
        "f(",
        "    (",
        f"        {'b' * 60},",
        f"        {'c' * 60},",
        "    ),",
        "    d,",
        ")",
    ]


def test_names_are_numbered_when_they_are_taken() -> None:
    names = Names(["text"])
    assert [names.own("text"), names.own("text"), names.own("other")] == ["text_2", "text_3", "other"]
    assert names.imported("a", "other") == "other_2"
    assert names.imported("a", "other") == "other_2"
    assert names.imported("b", "other", annotation=True) == "other_3"
    assert list(names.imports(annotations=False)) == ["from a import other as other_2"]
    assert list(names.imports(annotations=True)) == ["from b import other as other_3"]
    assert names.imported("b", "other") == "other_3"  # once it is needed at run time, it is imported for that
    assert list(names.imports(annotations=True)) == []
