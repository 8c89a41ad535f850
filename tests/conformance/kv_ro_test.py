"""The contract of KvRo, run over every store that can be read."""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Callable, Coroutine, Iterator, Mapping
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

import pytest

from fata.device.kv import DictionaryExpected, InvalidKey, Kind, KvRo, NotFound, ValueExpected
from fata.driver.block.memory_image import MemoryImage
from fata.driver.block.ramdisk import RamDisk
from fata.driver.kv.crunch import Crunch, pack
from fata.driver.kv.directory import open_directory
from fata.driver.kv.memory import MemoryKv
from fata.driver.kv.tar_pack import pack as pack_tar
from fata.irmin.kv import CommitKv
from fata.sim.pytest_plugin import Drive
from fata.sim.suspending import SuspendingBlock, SuspendingKvRo
from fata.store.fat.kv import open_fat_kv, open_fat_kv_ro
from fata.store.fat.mount import format_volume
from fata.store.tar.appending import open_appending_tar
from fata.store.tar.reading import open_tar
from fata.store.zip import open_zip
from tests.conformance.btree_kv import btree_kv
from tests.conformance.irmin_kv import irmin_kv

pytestmark = pytest.mark.virtual_time

LARGE = bytes(range(256)) * 5000  # more than any driver moves at once without saying so
CONTENT = {
    "index.html": b"<p>",
    "css/site.css": b"p { color: red }",
    "css/deep/er/x": b"same",
    "css/deep/y": b"same",
    "css-old": b"between css and css/ in octets",
    "empty": b"",
    "large": LARGE,
    "gr\u00fc\u00dfe/\U0001f600": b"\xff\x00\n",
    " spaces and \\ and \n": b"1",
    ".hidden": b"2",
}

Fill = Callable[[Path, Mapping[str, bytes]], Coroutine[Any, Any, KvRo]]


async def _memory(_folder: Path, content: Mapping[str, bytes]) -> KvRo:
    store = MemoryKv()
    for key, value in content.items():
        await store.set(key, value)
    return store


def _write(folder: Path, content: Mapping[str, bytes]) -> str:
    root = folder / "content"
    root.mkdir()
    for key, value in content.items():
        (root / key).parent.mkdir(parents=True, exist_ok=True)
        (root / key).write_bytes(value)
    return str(root)


async def _directory(folder: Path, content: Mapping[str, bytes]) -> KvRo:
    return await open_directory(_write(folder, content), read_only=True)


async def _crunch(folder: Path, content: Mapping[str, bytes]) -> KvRo:
    pack(_write(folder, content), str(folder / "image"))
    return Crunch((folder / "image").read_bytes())


async def _btree(_folder: Path, content: Mapping[str, bytes]) -> KvRo:
    store = btree_kv()
    for key, value in content.items():
        await store.set(key, value)
    return store


async def _tar(folder: Path, content: Mapping[str, bytes]) -> KvRo:
    pack_tar(_write(folder, content), str(folder / "image.tar"))
    return await open_tar(MemoryImage((folder / "image.tar").read_bytes()))


async def _appending_tar(_folder: Path, content: Mapping[str, bytes]) -> KvRo:
    store = await open_appending_tar(RamDisk(8192, 1024))
    for key, value in content.items():
        await store.set(key, b"older" + value)
        await store.set(key, value)
    return store


async def _suspending_tar(folder: Path, content: Mapping[str, bytes]) -> KvRo:
    pack_tar(_write(folder, content), str(folder / "image.tar"))
    return await open_tar(SuspendingBlock(MemoryImage((folder / "image.tar").read_bytes(), 4096)))


async def _zip(folder: Path, content: Mapping[str, bytes]) -> KvRo:
    with ZipFile(folder / "image.zip", "w") as archive:
        for number, (key, value) in enumerate(content.items()):
            archive.writestr(ZipInfo(key, (2024, 2, 3, 4, 5, 6)), value, (ZIP_STORED, ZIP_DEFLATED)[number % 2])
    return await open_zip(MemoryImage((folder / "image.zip").read_bytes()))


async def _fat(_folder: Path, content: Mapping[str, bytes]) -> KvRo:
    block = RamDisk(8192)
    await format_volume(block)
    store = await open_fat_kv(block)
    for key, value in content.items():
        await store.set(key, value)
    await store.close()
    return await open_fat_kv_ro(block)


async def _irmin(_folder: Path, content: Mapping[str, bytes]) -> KvRo:
    kv = irmin_kv()
    commit = await kv.store.set_all(content)
    return kv if commit is None else CommitKv(kv.store.repo, commit)


async def _suspending(folder: Path, content: Mapping[str, bytes]) -> KvRo:
    return SuspendingKvRo(await _memory(folder, content))


IMPLEMENTATIONS: dict[str, Fill] = {
    "memory": _memory,
    "directory": _directory,
    "crunch": _crunch,
    "tar": _tar,
    "appending tar": _appending_tar,
    "tar on a disk that suspends": _suspending_tar,
    "zip": _zip,
    "FAT": _fat,
    "irmin": _irmin,
    "suspending memory": _suspending,
    "btree": _btree,
}


@pytest.fixture(params=IMPLEMENTATIONS)
def fill(request: pytest.FixtureRequest, tmp_path: Path, drive: Drive[Any]) -> Iterator[Callable[..., KvRo]]:
    """Return a function that makes a store of a mapping."""
    made: list[KvRo] = []

    def fill_it(content: Mapping[str, bytes]) -> KvRo:
        made.append(drive(IMPLEMENTATIONS[request.param](tmp_path, content)))
        return made[-1]

    yield fill_it
    for store in made:
        close = getattr(store, "close", None)
        if close is not None:
            drive(close())


@pytest.fixture
def store(fill: Callable[..., KvRo]) -> KvRo:
    """A store that holds `CONTENT`."""
    return fill(CONTENT)


async def test_a_value_is_what_was_stored(store: KvRo) -> None:
    for key, value in CONTENT.items():
        assert await store.exists(key) is Kind.VALUE
        assert await store.get(key) == value
        assert await store.size(key) == len(value)


PARTS = [
    (0, 4, b"p { "),
    (4, 5, b"color"),
    (14, 10, b" }"),
    (0, 0, b""),
    (16, 1, b""),
    (17, 1, b""),
    (1 << 70, 1, b""),
    (0, 1 << 70, b"p { color: red }"),
]


async def test_a_part_ends_with_the_value(store: KvRo) -> None:
    for offset, length, expected in PARTS:
        assert await store.get_partial("css/site.css", offset, length) == expected


async def test_a_large_value_comes_whole_in_parts(store: KvRo) -> None:
    parts = itertools.product((1, 511, 65536, 1_000_000), range(0, len(LARGE), 200_000))
    for window, offset in parts:
        assert await store.get_partial("large", offset, window) == LARGE[offset : offset + window]


async def test_a_part_before_the_value_is_refused(store: KvRo) -> None:
    for offset, length in ((-1, 1), (0, -1)):
        with pytest.raises(InvalidKey):
            await store.get_partial("index.html", offset, length)


async def test_dictionaries_list_their_segments_in_order(store: KvRo) -> None:
    value, dictionary = Kind.VALUE, Kind.DICTIONARY
    assert await store.list("") == [
        (" spaces and \\ and \n", value),
        (".hidden", value),
        ("css", dictionary),
        ("css-old", value),
        ("empty", value),
        ("gr\u00fc\u00dfe", dictionary),
        ("index.html", value),
        ("large", value),
    ]
    assert await store.list("css") == [("deep", dictionary), ("site.css", value)]
    assert await store.list("css/deep") == [("er", dictionary), ("y", value)]
    assert await store.list("gr\u00fc\u00dfe") == [("\U0001f600", value)]


async def test_prefixes_of_keys_are_dictionaries(store: KvRo) -> None:
    for key in ("", "css", "css/deep", "css/deep/er"):
        assert await store.exists(key) is Kind.DICTIONARY
        for read in (store.get, store.size):
            with pytest.raises(ValueExpected):
                await read(key)
        with pytest.raises(ValueExpected):
            await store.get_partial(key, 0, 1)


async def test_a_value_has_no_list(store: KvRo) -> None:
    with pytest.raises(DictionaryExpected):
        await store.list("index.html")


READS: dict[str, Callable[[KvRo, str], Coroutine[Any, Any, object]]] = {
    "get": lambda store, key: store.get(key),
    "get_partial": lambda store, key: store.get_partial(key, 0, 1),
    "list": lambda store, key: store.list(key),
    "size": lambda store, key: store.size(key),
    "digest": lambda store, key: store.digest(key),
    "last_modified": lambda store, key: store.last_modified(key),
}


ABSENT = ["x", "css/x", "css/deep/er/x/y", "index.html/x", "index.htm", "css/site.css/..x", "INDEX.HTML"]


async def test_what_is_not_there_is_not_found(store: KvRo) -> None:
    for key in ABSENT:
        assert await store.exists(key) is None
        for read in READS.values():
            with pytest.raises(NotFound):
                await read(store, key)


BAD_KEYS = [
    "/",
    "/x",
    "x/",
    "a//b",
    ".",
    "..",
    "a/./b",
    "css/../index.html",
    "../x",
    "a\0b",
    "\0",
    "/etc/passwd",
    "\udcff",
]


async def test_strings_that_are_no_keys_are_refused(store: KvRo) -> None:
    for key in BAD_KEYS:
        with pytest.raises(InvalidKey):
            await store.exists(key)
        for read in READS.values():
            with pytest.raises(InvalidKey):
                await read(store, key)


async def test_very_long_and_very_deep_keys_are_not_found(store: KvRo) -> None:
    for key in ("x" * 300, "x" * 5000, "/".join("x" * 3000), "/".join(["css"] * 500)):
        assert await store.exists(key) is None
        with pytest.raises(NotFound):
            await store.get(key)


def test_the_root_of_an_empty_store_is_an_empty_dictionary(fill: Callable[..., KvRo], drive: Drive[Any]) -> None:
    empty = fill({})
    assert drive(empty.exists("")) is Kind.DICTIONARY
    assert drive(empty.list("")) == []
    assert len(drive(empty.digest(""))) <= 64


async def test_digests_tell_contents_apart(store: KvRo) -> None:
    values = {key: await store.digest(key) for key in CONTENT}
    for one, its_digest in values.items():
        assert len(its_digest) <= 64
        assert its_digest == await store.digest(one)
        for other, other_digest in values.items():
            assert its_digest != other_digest or CONTENT[one] == CONTENT[other]
    dictionaries = [await store.digest(key) for key in ("", "css", "css/deep", "css/deep/er", "gr\u00fc\u00dfe")]
    assert len(set(dictionaries)) == 5
    assert all(len(digest) <= 64 for digest in dictionaries)


async def test_times_are_posix_seconds_or_unknown(store: KvRo) -> None:
    for key in ("", "css", "index.html"):
        modified = await store.last_modified(key)
        assert modified is None or 1.5e9 < modified < 1e10


def test_every_method_of_the_contract_is_run_here() -> None:
    methods = {name for name, _ in inspect.getmembers(KvRo, inspect.isfunction) if not name.startswith("_")}
    assert methods == {*READS, "exists"}
