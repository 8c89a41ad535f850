"""FAT's formats: golden vectors both ways, round trips, every truncation, garbage."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fata.disk.fat import boot, entry, fsinfo, long_name, packing, plan, short_name, slots, stamp
from fata.disk.fat.boot import BootSector
from fata.disk.fat.entry import Entry
from fata.disk.fat.errors import NotFat
from fata.disk.fat.layout import layout
from fata.disk.fat.plan import Wish
from fata.errors import ConfigError


def golden() -> bytes:
    """Return what `mkfs.fat -F 16 -n GOLDEN -i 12345678` makes of 16 MiB, without its code."""
    fields = bytearray(512)
    fields[:3], fields[3:11] = b"\xeb\x3c\x90", b"mkfs.fat"
    fields[11:36] = bytes.fromhex("00020404000200020080f820002000020000000000000000 00".replace(" ", ""))
    fields[36:62] = bytes.fromhex("800029785634 12".replace(" ", "")) + b"GOLDEN     FAT16   "
    fields[510:] = b"\x55\xaa"
    return bytes(fields)


def test_a_boot_sector_is_read() -> None:
    read = boot.parse(golden())
    assert read == BootSector(
        512, 4, 4, 2, 512, 32768, 0xF8, 32, False, volume_id=0x12345678, label=b"GOLDEN     ", kind=b"FAT16   ",
        oem=b"mkfs.fat", sectors_per_track=32, heads=2,
    )  # fmt: skip
    shape = layout(read)
    assert (shape.bits, shape.clusters, shape.fat_offset, shape.root_offset, shape.data_offset) == (
        16, 8167, 2048, 34816, 51200,
    )  # fmt: skip


@pytest.mark.parametrize("bits", [12, 16, 32])
def test_a_boot_sector_says_the_same_when_it_is_read_again(bits: int) -> None:
    made = plan.plan({12: 1 << 20, 16: 1 << 24, 32: 1 << 26}[bits], Wish(bits, label="X", volume_id=7))
    octets = boot.serialize(made)
    assert boot.parse(octets) == made
    assert layout(boot.parse(octets)).bits == bits
    for length in range(len(octets)):
        with pytest.raises(NotFat):
            boot.parse(octets[:length])


@given(st.binary(min_size=510, max_size=510))
def test_a_boot_sector_of_garbage_is_read_or_refused(octets: bytes) -> None:
    try:
        shape = layout(boot.parse(octets + b"\x55\xaa"))
    except NotFat:
        return
    assert 0 < shape.fat_offset < shape.data_offset < shape.size
    assert shape.offset_of(shape.last_cluster) + shape.cluster_size <= shape.size


@given(st.integers(1 << 15, 1 << 36), st.sampled_from([None, 12, 16, 32]), st.sampled_from([512, 1024, 2048, 4096]))
def test_a_plan_fits_or_is_refused(octets: int, bits: int | None, sector: int) -> None:
    try:
        shape = layout(plan.plan(octets, Wish(bits, sector)))
    except ConfigError:
        return
    assert shape.size <= octets
    assert bits in (None, shape.bits)
    assert (shape.clusters + 2) * shape.bits <= shape.fat_size * 8


@pytest.mark.parametrize(
    "wish",
    [Wish(13), Wish(sector_size=500), Wish(cluster_size=1000), Wish(cluster_size=65536), Wish(32), Wish(label="a+b")],
)
def test_a_plan_that_cannot_be_is_refused(wish: Wish) -> None:
    with pytest.raises(ConfigError) as refused:
        plan.plan(1 << 20, wish)
    assert refused.value.remedy


def test_fsinfo() -> None:
    octets = fsinfo.serialize(fsinfo.FsInfo(1234, 77))
    assert (len(octets), octets[:4], octets[484:492]) == (512, b"RRaA", b"rrAa\xd2\x04\x00\x00")
    assert fsinfo.parse(octets) == (1234, 77)
    for length in range(512):
        assert fsinfo.parse(octets[:length]) is None
    assert fsinfo.parse(bytes(512)) is None


def test_twelve_bits_are_packed_as_the_specification_says() -> None:
    entries = packing.unpack(bytes.fromhex("f8ffff034000"), 12, 4)
    assert list(entries) == [0xFF8, 0xFFF, 0x003, 0x004]
    assert packing.pack(entries, 12) == bytes.fromhex("f8ffff034000")


@pytest.mark.parametrize("bits", [12, 16, 32])
@given(data=st.data())
def test_entries_come_back(bits: int, data: st.DataObject) -> None:
    values = data.draw(st.lists(st.integers(0, (1 << bits) - 1), min_size=2, max_size=40))
    entries = packing.unpack(bytes(4 * len(values)), bits, len(values))
    for number, value in enumerate(values):
        entries[number] = value
    packed = packing.pack(entries, bits)
    assert packing.unpack(packed, bits, len(values)) == entries
    first, last = packing.span(len(values) - 1, bits)
    assert last <= len(packed)
    assert first < len(packed)


ENTRY = Entry(b"README  TXT", 0x20, 0x00020003, 1234, 0x5AF7, 0x6000, 0x5AF8, 0x6001, 99, 0x5AF9, 0x18)


def test_an_entry() -> None:
    octets = bytes.fromhex("524541444d45202054585420186301 60f85af95a0200 0060f75a0300d2040000".replace(" ", ""))
    assert entry.serialize(ENTRY) == octets
    assert entry.parse(octets) == ENTRY


@given(st.binary(min_size=32, max_size=32))
def test_any_octets_are_an_entry(octets: bytes) -> None:
    assert entry.serialize(entry.parse(octets)) == octets


def test_a_rename_is_told_by_the_tenths() -> None:
    for tenths in range(256):
        later = entry.later_tenths(tenths)
        assert 0 <= later <= 199 or tenths > 199
        assert entry.is_later(later, tenths)
        assert not entry.is_later(tenths, later)
        assert tenths > 199 or abs(later - tenths) <= 2


@given(st.floats(315_532_800, 4_354_819_199))
def test_dates_are_those_of_the_calendar(moment: float) -> None:
    made = stamp.stamp(moment)
    date = datetime.fromtimestamp(int(moment), UTC)
    assert (1980 + (made.date >> 9), made.date >> 5 & 15, made.date & 31) == (date.year, date.month, date.day)
    assert (made.time >> 11, made.time >> 5 & 63, made.time & 31) == (date.hour, date.minute, date.second // 2)
    back = stamp.posix(*made)
    assert back is None or abs(back - moment) <= 0.02


def test_dates_outside_the_range() -> None:
    assert stamp.stamp(None) == stamp.stamp(0) == stamp.UNKNOWN
    assert stamp.posix(*stamp.UNKNOWN) is None
    assert stamp.stamp(1e12)[:2] == (0xFF9F, 0xBF7D)
    for date, time in ((0, 0), (0x21 | 13 << 5, 0), (0x21, 24 << 11), (0x21, 60 << 5), (0x21, 30)):
        assert stamp.posix(date, time) is None


def test_a_long_name_is_written_as_the_specification_says() -> None:
    short = b"THEQUI~1FOX"
    assert long_name.checksum(short) == 0x07
    parts = long_name.parts("The quick brown.fox", short)
    assert parts.hex() == (
        "42770 06e002e0066006f000f0007780000 00ffffffffffffffff0000ffffffff".replace(" ", "")
        + "01540068006500200071000f0007 75006900630 06b002000620000007200 6f00".replace(" ", "")
    )
    assert long_name.join(parts) == "The quick brown.fox"


NAMES = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters='"*/:<>?\\|'), min_size=1, max_size=120
)


@given(NAMES.filter(lambda name: long_name.fault(name) is None))
def test_names_come_back(name: str) -> None:
    short = short_name.make(name, lambda _: False, {})
    assert short is not None
    assert short_name.is_valid(short), short
    content = bytearray(long_name.parts(name, short) + entry.serialize(Entry(short)) + bytes(32))
    found = slots.scan(content)
    assert [each.long for each in found.found] == [name]
    assert (found.orphans, found.end) == ([], len(content) // 32 - 1)
    for slot in range(found.found[0].slot):
        broken = bytearray(content)
        broken[slot * 32 + 13] ^= 1
        again = slots.scan(broken)
        assert [each.long for each in again.found] == [None]
        assert again.orphans == list(range(found.found[0].slot))


@given(st.binary(max_size=640))
def test_any_octets_are_a_directory(octets: bytes) -> None:
    content = octets[: len(octets) // 32 * 32]
    found = slots.scan(content)
    taken = [slot for each in found.found for slot in range(each.first, each.slot + 1)] + found.orphans
    assert len(set(taken)) == len(taken)
    for each in found.found:
        text = each.long if each.long is not None else short_name.text(each.entry.name, each.entry.case)
        assert text
        assert "/" not in text


@pytest.mark.parametrize(
    "name", ["", ".", "..", "a/b", "a\\b", "a:b", "a?", "tab\t", "end.", "end ", "x" * 256, "\U0001f600" * 128]
)
def test_names_that_cannot_be(name: str) -> None:
    assert long_name.fault(name)


@pytest.mark.parametrize(
    ("name", "short", "plain"),
    [
        ("README.TXT", b"README  TXT", True),
        ("readme.txt", b"README  TXT", False),
        ("A", b"A          ", True),
        ("A name.text", b"ANAME~1 TEX", False),
        (".hidden", b"HIDDEN~1   ", False),
        ("a.b.c", b"AB~1    C  ", False),
        ("Grüße", b"GR__E~1    ", False),
        ("longer than eight", b"LONGER~1   ", False),
        ("TOOLONGNAME.TXT", b"TOOLON~1TXT", False),
        ("+,;=[]", b"______~1   ", False),
        ("...a", b"A~1        ", False),
        ("\u0436", b"_~1        ", False),
    ],
)
def test_short_names(name: str, short: bytes, plain: bool) -> None:
    assert (short_name.exactly(name) == short) is plain
    assert short_name.make(name, lambda _: False, {}) == short


def test_numbers_of_short_names_grow() -> None:
    taken: set[str] = set()
    first: dict[str, int] = {}
    for number in range(1, 1200):
        made = short_name.make(f"a long name {number}", taken.__contains__, first)
        assert made is not None
        taken.add(short_name.text(made))
    assert {"ALONGN~1", "ALONG~10", "ALON~100", "ALO~1000"} <= taken
    assert short_name.make("x y", lambda text: "~" in text, {"XY": short_name.MAX_TAIL}) is None


def test_case_bits_and_the_first_octet() -> None:
    assert short_name.text(b"README  TXT", entry.LOWER_STEM) == "readme.TXT"
    assert short_name.text(b"README  TXT", entry.LOWER_EXTENSION) == "README.txt"
    assert short_name.text(b"\x05BC        ") == "\u03c3BC"
    assert short_name.text(b"           ") == short_name.text(b"/          ") == "_"


def test_case_is_folded_one_character_at_a_time() -> None:
    assert long_name.fold("Grüße") == "GRÜßE"
    assert long_name.fold("ABC") == long_name.fold("abc") == "ABC"
