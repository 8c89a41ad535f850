"""tar archives: headers of 512 octets, contents padded to 512, two blocks of zeros at the end (POSIX.1-2017, pax).

    octet   0   name, 100                      257   "ustar\\0" "00" (POSIX), or "ustar  \\0" (GNU)
          100   mode, 8                        265   owner's and group's name, 32 each
          108   owner, group, 8 each           329   major and minor number, 8 each
          124   size, 12                       345   prefix of the name, 155 (POSIX only)
          136   modified, 12                   482   GNU's sparse header goes on: 1
          148   checksum, 8
          156   kind, 1
          157   name linked to, 100

Numbers are octal digits, ended by a blank or zero; or, the first bit set, base 256. The checksum is the sum of all
octets, blanks in its own place. Kinds `x` and `g` (pax) and `L`, `K` (GNU) bring what does not fit into the header that
follows.
"""

from __future__ import annotations

from collections.abc import Generator
from struct import Struct
from typing import NamedTuple

from fata.errors import DeviceError

BLOCK = 512  # octets
HEADER = Struct("100s8s8s8s12s12s8s1s100s8s32s32s8s8s155s12x")
CHECKSUM = slice(148, 156)
POSIX = b"ustar\x0000"  # and the version
GNU = b"ustar  \0"
NAME, PREFIX = 100, 155  # octets
LARGEST_OCTAL = 8**11 - 1  # octets: what a size of eleven digits says
MOST_EXTENDED = 1 << 20  # octets of a pax header or long name; nobody needs more
FILES = frozenset((0, ord("0"), ord("7")))  # kinds; 0 is from before POSIX, 7 is "contiguous", a file
HARD_LINK, DIRECTORY, PAX, PAX_GLOBAL, LONG_NAME, LONG_LINK, SPARSE = b"15xgLKS"
ZEROS = bytes(BLOCK)


class TarError(DeviceError):
    """Octets that are no tar archive, or a damaged one."""


class Header(NamedTuple):
    """One header. `modified` is in POSIX seconds; `extended`: blocks of GNU's sparse map follow."""

    name: bytes
    kind: int
    size: int
    modified: float
    link: bytes
    extended: bool = False


class Member(NamedTuple):
    """A file in an archive: where its octets lie."""

    offset: int
    size: int
    modified: float | None


class Found(NamedTuple):
    """What a name in an archive stands for: a file, a directory, or (neither) nothing that we read, and why."""

    name: bytes
    member: Member | None
    directory: bool = False
    skipped: str = ""


class Scan(NamedTuple):
    """What an archive holds, in its order, and the octet at which it ends."""

    found: list[Found]
    end: int


def parse_header(block: bytes, offset: int) -> Header | None:
    """Read the header at `offset` of an archive; None for a block of zeros. Raises TarError."""
    if len(block) != BLOCK:
        raise TarError(f"tar: {len(block)} octets at {offset}, a header has {BLOCK}")
    if block == ZEROS:
        return None
    name, _, _, _, size, modified, check, kind, link, magic, _, _, _, _, prefix = HEADER.unpack(block)
    expected = _number(check, "checksum", offset)
    if expected != checksum(block) and expected != _signed_checksum(block):
        raise TarError(f"tar: the header at {offset} is damaged, or there is none")
    whole = _text(name)
    if magic == POSIX and prefix[0]:
        whole = _text(prefix) + b"/" + whole
    octets = _number(size, "size", offset)
    if octets < 0:
        raise TarError(f"tar: {octets} octets at {offset} cannot be")
    extended = kind == b"S" and block[482] != 0
    return Header(whole, kind[0], octets, float(_number(modified, "time", offset)), _text(link), extended)


def checksum(block: bytes) -> int:
    """Add up a header's octets, its checksum taken as blanks."""
    return sum(block) - sum(block[CHECKSUM]) + 8 * ord(" ")


def _signed_checksum(block: bytes) -> int:
    """Add them up as old programs did, whose octets were signed."""
    return checksum(block) - 256 * sum(octet >> 7 for octet in block[: CHECKSUM.start] + block[CHECKSUM.stop :])


def _text(field: bytes) -> bytes:
    return field.partition(b"\0")[0]


def _number(field: bytes, what: str, offset: int) -> int:
    if field[0] & 0x80:
        value = int.from_bytes(field) & ~(0x80 << 8 * (len(field) - 1))
        return value - (1 << 8 * len(field) - 1) if field[0] & 0x40 else value
    digits = field.partition(b"\0")[0].strip(b" ")
    if digits.translate(None, b"01234567"):
        raise TarError(f"tar: {what} {field!r} of the header at {offset} is no number")
    return int(digits or b"0", 8)


def parse_pax(octets: bytes, offset: int) -> dict[str, bytes]:
    """Read pax records, `LENGTH KEY=VALUE\\n` each. Raises TarError."""
    records: dict[str, bytes] = {}
    position = 0
    while position < len(octets) and octets[position]:
        length, blank, _ = octets[position : position + 12].partition(b" ")
        if not blank or not length.isdigit():
            raise TarError(f"tar: a pax record at {offset + position} has no length")
        end = position + int(length)
        key, sign, value = octets[position + len(length) + 1 : end].partition(b"=")
        if end > len(octets) or not sign or value[-1:] != b"\n":
            raise TarError(f"tar: the pax record at {offset + position} does not end where it says")
        records[key.decode("utf-8", "replace")] = value[:-1]
        position = end
    return records


class _Extensions:
    """What the headers before a header say of it."""

    def __init__(self) -> None:
        self.everywhere: dict[str, bytes] = {}
        self.here: dict[str, bytes] = {}

    def add(self, kind: int, octets: bytes, offset: int) -> None:
        if kind == PAX_GLOBAL:
            self.everywhere |= parse_pax(octets, offset)
        elif kind == PAX:
            self.here |= parse_pax(octets, offset)
        else:
            self.here["path" if kind == LONG_NAME else "linkpath"] = _text(octets)

    def applied(self, header: Header, offset: int) -> tuple[Header, bool]:
        """Return the header as it is meant, and whether it is a sparse file in one of pax' three ways."""
        records = self.everywhere | self.here
        self.here = {}
        if not records:
            return header, False
        sparse = any(key.startswith("GNU.sparse") for key in records)
        try:
            size = int(records.get("size", header.size))
            modified = float(records.get("mtime", header.modified))
        except ValueError:
            raise TarError(f"tar: a pax number for the header at {offset} is none") from None
        if size < 0 or not abs(modified) < 1e18:
            raise TarError(f"tar: pax says {size} octets for the header at {offset}")
        name, link = records.get("path", header.name), records.get("linkpath", header.link)
        return header._replace(name=name, link=link, size=size, modified=modified), sparse


def scan(octets: int) -> Generator[tuple[int, int], bytes, Scan]:
    """Go through an archive on a medium of so many octets: yields (offset, length) that it wants, is sent the octets.

    Raises TarError.
    """
    found: list[Found] = []
    values: dict[bytes, Member] = {}
    extensions = _Extensions()
    position = 0
    while position + BLOCK <= octets:
        header = parse_header((yield position, BLOCK), position)
        if header is None:
            break
        begin, at = position + BLOCK, position
        if header.kind in (PAX, PAX_GLOBAL, LONG_NAME, LONG_LINK):
            position = _behind(begin, header.size, octets)
            if header.size > MOST_EXTENDED:
                raise TarError(f"tar: {header.size} octets of names at {at} are too many")
            extensions.add(header.kind, (yield begin, header.size), begin)
            continue
        while header.extended:
            more = yield begin, BLOCK
            begin += BLOCK
            if begin > octets:
                raise TarError(f"tar: the sparse map at {at} does not end")
            header = header._replace(extended=more[504:505] not in (b"", b"\0"))
        header, sparse = extensions.applied(header, at)
        one = _found(header, begin, values, sparse)
        if one.member is not None:
            values[header.name] = one.member
        found.append(one)
        position = _behind(begin, 0 if header.kind in (HARD_LINK, DIRECTORY) else header.size, octets)
    return Scan(found, position)


def _behind(begin: int, size: int, octets: int) -> int:
    """Return where the next header is. Raises TarError if the content does not lie on the medium."""
    if begin + size > octets:
        raise TarError(f"tar: {size} octets at {begin}, the archive ends at {octets}")
    return begin + -(-size // BLOCK) * BLOCK


def _found(header: Header, begin: int, values: dict[bytes, Member], sparse: bool) -> Found:
    if header.kind == DIRECTORY or (header.kind in FILES and header.name.endswith(b"/")):
        return Found(header.name, None, directory=True)
    if header.kind == SPARSE or sparse:
        return Found(header.name, None, skipped="a sparse file")
    if header.kind in FILES:
        return Found(header.name, Member(begin, header.size, header.modified or None))
    if header.kind == HARD_LINK:
        member = values.get(header.link)
        return Found(header.name, member, skipped="" if member else "a hard link to nothing that came before")
    return Found(header.name, None, skipped=f"of kind {chr(header.kind)!r}, no file")


def serialize(key: str, size: int, modified: float | None) -> bytes:
    """Return the headers of a file: one, or with a pax header before it if the name or size needs that."""
    name = key.encode()
    seconds = min(max(int(modified or 0), 0), LARGEST_OCTAL)
    records = b""
    prefix, short = _split(name)
    if short is None:
        records += _record(b"path", name)
        prefix, short = b"", name[-NAME:].decode("ascii", "replace").encode("ascii", "replace")
    if size > LARGEST_OCTAL:
        records += _record(b"size", str(size).encode())
    header = _pack(short, size if size <= LARGEST_OCTAL else 0, seconds, b"0", prefix)
    if not records:
        return header
    pax = _pack(b"PaxHeaders/" + short[-NAME + 11 :].replace(b"/", b"_"), len(records), seconds, b"x", b"")
    return pax + padded(records) + header


def padded(octets: bytes) -> bytes:
    """Fill up to a whole number of blocks."""
    return octets + bytes(-len(octets) % BLOCK)


def _split(name: bytes) -> tuple[bytes, bytes | None]:
    """Divide a name at a slash so that both parts fit; None if that cannot be, or if it is not ASCII."""
    if not name.isascii():
        return b"", None
    if len(name) <= NAME:
        return b"", name
    at = name.find(b"/", len(name) - NAME - 1, PREFIX + 1)
    return (name[:at], name[at + 1 :]) if 0 < at < len(name) - 1 else (b"", None)


def _record(key: bytes, value: bytes) -> bytes:
    """Write a pax record, whose length counts its own digits."""
    rest = len(key) + len(value) + 3
    length = rest + len(str(rest + len(str(rest))))
    return b"%d %s=%s\n" % (length, key, value)


def _pack(name: bytes, size: int, modified: int, kind: bytes, prefix: bytes) -> bytes:
    mode, owner, numbers = b"0000644\0", b"0000000\0", b"0000000\0"
    block = HEADER.pack(
        name, mode, owner, owner, b"%011o\0" % size, b"%011o\0" % modified, b" " * 8, kind, b"", POSIX, b"", b"",
        numbers, numbers, prefix,
    )  # fmt: skip
    return block[: CHECKSUM.start] + b"%06o\0 " % checksum(block) + block[CHECKSUM.stop :]
