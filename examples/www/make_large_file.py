"""Makes htdocs/large.bin: five megabytes, the same on every machine, too many for the repository.

Run it as often as you like: a file that is there and right is left alone, so its date stays.
"""

import hashlib
from pathlib import Path

TARGET = Path(__file__).parent / "htdocs" / "large.bin"
SIZE = 5_000_000  # octets


def content() -> bytes:
    """Return the octets: SHA-256 of 0, of 1, of 2 and so on, so that no two pieces of the file are alike."""
    blocks = range(-(-SIZE // hashlib.sha256().digest_size))
    return b"".join(hashlib.sha256(b"%d" % number).digest() for number in blocks)[:SIZE]


def main() -> None:
    """Write the file unless it is there."""
    octets = content()
    if not TARGET.is_file() or TARGET.read_bytes() != octets:
        TARGET.write_bytes(octets)


if __name__ == "__main__":
    main()
