"""The import table, executed: what each layer of src/fata may refer to, here, in the standard library, elsewhere."""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterator
from pathlib import Path

from tests.layers import Layer, breaches

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src" / "fata"
CATALOG = SOURCE / "config" / "catalog"


def names(text: str) -> frozenset[str]:
    """Write a set as its words."""
    return frozenset(text.split())


# Whoever computes bytes from bytes has no business with time, chance or the outside.
PURE = names("asyncio os socket select time random secrets threading")
BELOW_SIM = names("errors wire disk proto device driver stack http store irmin blocking runtime")
# What the generated program is made of: the catalog says which, `target/` writes the names down and resolves them.
PROGRAM = names("driver stack store irmin http runtime")
# And by what an image's files are made, when it is built.
PACKING = names("blocking")

TABLE = {
    "__init__": Layer(),
    "__main__": Layer(imports=names("tool")),
    "errors": Layer(),
    "wire": Layer(imports=names("errors"), banned=PURE),
    "disk": Layer(imports=names("errors"), banned=PURE),
    "proto": Layer(imports=names("wire errors"), banned=PURE),
    "device": Layer(imports=names("errors"), banned=PURE),
    # Ciphers: the runtime's module in an image, the package in a process.
    "driver": Layer(imports=names("device wire disk errors"), third_party=names("_cipher cryptography")),
    "stack": Layer(imports=names("proto wire device errors")),
    "http": Layer(imports=names("errors"), third_party=names("h11 wsproto")),
    "store": Layer(imports=names("disk device errors")),
    "irmin": Layer(imports=names("disk store device errors"), third_party=names("dulwich")),
    "blocking": Layer(imports=names("store irmin driver disk device errors")),
    # The kernel's module: what a unikernel's drivers are made over.
    "runtime": Layer(imports=names("device driver stack http errors"), third_party=names("_hw")),
    # pytest, because sim holds the plugin that gives a user's tests their fixtures.
    "sim": Layer(imports=BELOW_SIM, third_party=names("pytest")),
    "config": Layer(imports=names("device errors")),
    "config/catalog": Layer(imports=names("device errors"), names=PROGRAM | PACKING),
    "target": Layer(
        imports=names("config errors"), third_party=names("elftools watchfiles"), names=PROGRAM, computes=True
    ),
    "tool": Layer(
        imports=BELOW_SIM | names("sim config target"),
        third_party=names("click rich packaging mfusepy"),
        names=PROGRAM,
        computes=True,
    ),
}


def dotted_names() -> Iterator[tuple[str, str]]:
    """Yield (file, name) for every string of the catalog that names something of ours."""
    for path in sorted(CATALOG.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Constant(value=str(text)) if re.fullmatch(r"fata(\.\w+)+(:\w+(\.\w+)*)?", text):
                    yield path.name, text


def test_every_module_keeps_to_its_layer() -> None:
    assert breaches(SOURCE, TABLE) == []


def test_the_table_names_only_layers_that_it_has() -> None:
    named = frozenset[str]().union(*(row.imports | row.names for row in TABLE.values()))
    assert named <= set(TABLE)


def test_the_page_on_architecture_shows_the_same_table() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    rows = re.findall(
        r"^\| `([\w/]+?)(?:/|\.py)` \| .*? \| (.*?) \| (.*?) \| (.*?) \|$", page.partition("## From")[0], re.M
    )
    assert {name for name, *_ in rows} == {name for name in TABLE if not name.startswith("__")}
    words = {"–": frozenset[str](), "all above": BELOW_SIM, "everything": TABLE["tool"].imports}
    for name, imports, banned, packages in rows:
        row, shown = TABLE[name], imports.rstrip("²")
        assert words.get(shown, names(shown.replace(",", ""))) == row.imports, name
        assert (banned != "–") == (row.banned == PURE), name
        assert [package for package in row.third_party if package not in packages] == [], name


def test_every_name_in_the_catalog_leads_to_something() -> None:
    lost = []
    for file, dotted in dotted_names():
        module, _, attribute = dotted.partition(":")
        try:
            found: object = importlib.import_module(module)
            for part in attribute.split(".") if attribute else ():
                found = getattr(found, part)
        except (ImportError, AttributeError) as error:
            lost.append(f"config/catalog/{file}: {dotted}: {error}")
    assert lost == []
