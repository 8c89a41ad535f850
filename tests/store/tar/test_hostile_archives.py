"""Archives that are made to cost much: each is refused or read within two seconds, and 64 MiB beyond its size."""

from __future__ import annotations

import io
import time
import tracemalloc
import zipfile
from collections.abc import Callable
from random import Random

import pytest

from fata.device.block import Block
from fata.disk.tar import BLOCK, TarError, checksum, padded, serialize
from fata.disk.zip import ZipError
from fata.driver.block.memory_image import MemoryImage
from fata.runtime.drive import drive
from fata.store.tar.reading import open_tar
from fata.store.zip import open_zip
from tests.fuzz.disk_targets import read_all

SECONDS = 2.0  # of processor time
BEYOND = 64 << 20  # octets

pytestmark = pytest.mark.slow


def long_name(name: bytes, kind: bytes = b"L") -> bytes:
    """Return GNU's header for a long name, and a file of no octets behind it."""
    head = bytearray(serialize("x", len(name), None))
    head[156:157] = kind
    head[148:156] = b"%06o\0 " % checksum(bytes(head))
    return bytes(head) + padded(name) + serialize("y", 0, None)


def deep_tar() -> bytes:
    """Names of half a million segments."""
    return long_name(b"a/" * 500_000 + b"x") * 2


def many_deep_names_tar() -> bytes:
    """Headers whose names make a hundred directories each, all different."""
    rng = Random(1)
    return b"".join(
        serialize("/".join(rng.choice("abcdefghij") for _ in range(48)) + f"/{number}", 0, None)
        for number in range(10_000)
    )


def many_members_tar() -> bytes:
    """Nothing but headers of one file."""
    return serialize("x", 0, None) * 40_000


def extensions_without_end_tar() -> bytes:
    """Long names one after the other, never a file."""
    return long_name(b"n" * 400)[: 2 * BLOCK] * 20_000


def many_hard_links_tar() -> bytes:
    """Hard links to one large file: reading each is reading it again, storing each is not."""
    link = bytearray(serialize("l", 0, None))
    link[156:157], link[157:158] = b"1", b"x"
    link[148:156] = b"%06o\0 " % checksum(bytes(link))
    return serialize("x", 1000, None) + padded(bytes(1000)) + bytes(link) * 2000


def zip_of(*members: tuple[str, bytes]) -> bytes:
    """Pack members, deflated."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return stream.getvalue()


def deep_zip() -> bytes:
    """Names of thirty thousand segments."""
    return zip_of(*(("a/" * 30_000 + f"{number}/", b"") for number in range(40)))


def overlapping_zip() -> bytes:
    """A thousand entries of the directory for one and the same content (Fifield's bomb, without its quotes)."""
    one = zip_of(("x", bytes(1_000_000)))
    at = one.index(b"PK\1\2")
    end = one.index(b"PK\5\6")
    entry = one[at:end]
    tail = bytearray(one[end:])
    tail[8:10] = tail[10:12] = (1000).to_bytes(2, "little")
    tail[12:16] = (len(entry) * 1000).to_bytes(4, "little")
    return one[:at] + entry * 1000 + bytes(tail)


TARS = [deep_tar, many_deep_names_tar, many_members_tar, extensions_without_end_tar, many_hard_links_tar]
ZIPS = [deep_zip, overlapping_zip]


@pytest.mark.parametrize("make", [*TARS, *ZIPS], ids=lambda make: make.__name__)
def test_an_archive_costs_no_more_than_it_may(make: Callable[[], bytes]) -> None:
    archive = make()
    disk: Block = MemoryImage(archive)
    tracemalloc.start()
    began = time.process_time()
    try:
        read_all(drive(open_tar(disk)) if make in TARS else drive(open_zip(disk)), 1 << 30)
    except (TarError, ZipError):
        pass  # refused, which is as good
    finally:
        seconds = time.process_time() - began
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < len(archive) + BEYOND, f"{peak:,} octets for an archive of {len(archive):,}"
    assert seconds < SECONDS * 5, "measured with tracemalloc, which makes everything several times slower"
