"""The guest's standard library: what is there, what is not and why."""

from __future__ import annotations

import pytest

from fata.target.image.codecs import codec_module
from fata.target.image.standard import Place, Standard, standard
from tests.images import full_runtime


@pytest.fixture(scope="module")
def library() -> Standard:
    return standard(full_runtime())


@pytest.mark.parametrize(
    ("name", "place", "why"),
    [
        ("sys", Place.BUILTIN, ""),
        ("zlib", Place.BUILTIN, ""),
        ("os", Place.FROZEN, ""),
        ("os.path", Place.FROZEN, ""),
        ("json", Place.PACKED, ""),
        ("asyncio", Place.PACKED, ""),
        ("decimal", Place.PACKED, ""),  # _pydecimal stands in
        ("bz2", Place.MISSING, "_bz2 is C code that is not in the guest"),
        ("sqlite3", Place.MISSING, "_sqlite3 is C code that is not in the guest"),
        ("tkinter", Place.MISSING, "there is no display"),
        ("msvcrt", Place.MISSING, "it is for Windows"),
        ("json.absent", Place.MISSING, "there is no json.absent"),
        ("subprocess", Place.PACKED, "there is one process, and no other can be started"),
        ("multiprocessing.process", Place.PACKED, "there is one process, and no other can be started"),
        ("socket", Place.PACKED, "there are no sockets of a host; ask for a Stack"),
    ],
)
def test_where_a_module_is_and_what_is_wrong_with_it(library: Standard, name: str, place: Place, why: str) -> None:
    status = library.status(name)
    assert (status.place, status.why, status.works) == (place, why, not why)


def test_a_closure_holds_packages_and_late_imports_but_not_a_developers_tools(library: Standard) -> None:
    found = library.closure(["xml.etree.ElementTree", "datetime", "logging"])
    assert {"xml", "xml.etree", "pyexpat", "encodings.utf_8", "traceback"} <= found
    assert not {"pdb", "unittest", "pydoc", "argparse", "multiprocessing"} & found


def test_every_module_has_a_verdict(library: Standard) -> None:
    works = [name for name in library.names if library.status(name).works]
    assert len(works) > 150
    assert {"asyncio", "json", "hashlib", "ssl", "threading", "typing", "unittest", "zipfile"} <= set(works)


@pytest.mark.parametrize(
    ("name", "module"),
    [
        ("UTF-8", "encodings.utf_8"),
        ("latin-1", "encodings.latin_1"),
        ("437", "encodings.cp437"),
        ("idna", "encodings.idna"),
        ("no codec", "encodings.no_codec"),
        ("iso8859.1", "encodings.latin_1"),
        ("a/b", "encodings.a_b"),
        ("a.b", None),
        ("", None),
    ],
)
def test_codecs_are_modules(name: str, module: str | None) -> None:
    assert codec_module(name) == module
