"""Names in DNS messages (RFC 1035 3.1 and 4.1.4): labels, each behind its length; a pointer ends a name elsewhere.

A name is a tuple of labels, lower-cased octets: DNS compares without case (RFC 4343), and so dictionaries can.
"""

from __future__ import annotations

from fata.errors import ConfigError, WireError

MAX_LABEL = 63  # octets
MAX_NAME = 255  # octets, with lengths and the root's zero
POINTER = 0xC0  # the two high bits of a length that is none
MAX_POINTER = 0x3FFF
MAX_POINTERS = 127  # in one name: no name has more labels, so more only cost time

Name = tuple[bytes, ...]  # () is the root

ROOT: Name = ()


def parse_name(message: bytes, at: int, end: int) -> tuple[Name, int]:
    """Read the name at `at`; return it, and where the octets behind it are.

    `end` bounds the name's own octets; a pointer leads anywhere before the place where it was found, so following
    pointers ends. Raises `WireError`.
    """
    labels: list[bytes] = []
    length = 1
    behind = 0
    before = at  # pointers have to lead before this
    pointers = 0
    while True:
        if at >= end:
            raise WireError(f"dns: a name goes on at {at}, where {end} octets are")
        size = message[at]
        if size == 0:
            return tuple(labels), behind or at + 1
        if size & POINTER == POINTER:
            if at + 2 > end:
                raise WireError(f"dns: a pointer at {at} is cut off at {end}")
            target = int.from_bytes(message[at : at + 2], "big") & MAX_POINTER
            pointers += 1
            if pointers > MAX_POINTERS:
                raise WireError(f"dns: a name of more than {MAX_POINTERS} pointers")
            if target >= before:
                raise WireError(f"dns: the pointer at {at} to {target} does not lead back before {before}")
            behind = behind or at + 2
            at = before = target
            end = len(message)
            continue
        if size > MAX_LABEL:
            raise WireError(f"dns: label length {size:#x} at {at} is no length and no pointer")
        length += size + 1
        if length > MAX_NAME:
            raise WireError(f"dns: a name of more than {MAX_NAME} octets")
        if at + 1 + size > end:
            raise WireError(f"dns: a label of {size} octets at {at}, where {end} octets are")
        labels.append(message[at + 1 : at + 1 + size].lower())
        at += 1 + size


def serialize_name(name: Name, at: int = 0, known: dict[Name, int] | None = None) -> bytes:
    """Return a name's octets. `known` says which names stand where in the message: they are pointed to, and with
    `at`, this name's own place, it learns the new ones. None: no compression. Labels and length are the caller's
    to bound; `parse_text` does.
    """
    octets = b""
    for index in range(len(name)):
        rest = name[index:]
        if known is not None:
            if rest in known:
                return octets + (POINTER << 8 | known[rest]).to_bytes(2, "big")
            if at + len(octets) <= MAX_POINTER:
                known[rest] = at + len(octets)
        octets += bytes((len(name[index]),)) + name[index]
    return octets + b"\0"


def parse_text(text: str) -> Name:
    """Read `www.example.com`, with or without the last dot; what is not ASCII is encoded as IDNA says.

    Raises `ConfigError` for empty labels, labels beyond 63 and names beyond 255 octets.
    """
    if text in (".", ""):
        return ROOT
    try:
        octets = text.encode("ascii") if text.isascii() else text.encode("idna")
    except UnicodeError as error:
        raise ConfigError(f"{text!r} is no host name: {error}") from error
    labels = tuple(octets.lower().removesuffix(b".").split(b"."))
    if not all(0 < len(label) <= MAX_LABEL for label in labels):
        raise ConfigError(f"{text!r} is no host name", remedy=f"labels between dots have 1 to {MAX_LABEL} octets")
    if sum(map(len, labels)) + len(labels) + 1 > MAX_NAME:
        raise ConfigError(f"a host name of {len(octets)} octets does not fit into {MAX_NAME}")
    return labels
