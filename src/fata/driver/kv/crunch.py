"""Files baked into the image: `pack` makes one image of a folder at build time, `Crunch` reads it at run time."""

from __future__ import annotations

from fata.device.kv import DictionaryExpected, InvalidKey, Kind, NotFound, ValueExpected, segments
from fata.driver.kv.crunch_format import CrunchError, Entry, parse_index
from fata.driver.kv.digest import fold

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator


class Crunch:
    """A KvRo over an image in memory, of which only values that are asked for are copied.

    The index is checked at once, each content against its SHA-256 when it is first read: octets that are
    no image, or a damaged one, are a `CrunchError`.
    """

    def __init__(self, data: bytes | memoryview) -> None:
        self._image = memoryview(data).cast("B")
        self._root: _Dictionary = {}
        self._sound: set[bytes] = set()  # digests of contents that have been checked
        for entry in parse_index(self._image):
            _plant(self._root, entry)

    async def exists(self, key: str) -> Kind | None:
        node = self._find(key)
        return None if node is None else _kind(node)

    async def get(self, key: str) -> bytes:
        return bytes(self._content(key))

    async def get_partial(self, key: str, offset: int, length: int) -> bytes:
        if offset < 0 or length < 0:
            raise InvalidKey(f"key {key!r}: a range of {length} octets at {offset} does not exist")
        return bytes(self._content(key)[offset : offset + length])

    async def list(self, key: str) -> list[tuple[str, Kind]]:
        node = self._node(key)
        if isinstance(node, Entry):
            raise DictionaryExpected(key)
        return sorted(((name, _kind(child)) for name, child in node.items()), key=lambda pair: pair[0])

    async def size(self, key: str) -> int:
        return self._entry(key).size

    async def digest(self, key: str) -> bytes:
        """Return the SHA-256 that was taken when the image was packed; of a dictionary, one over all of them."""
        node = self._node(key)
        if isinstance(node, Entry):
            return node.digest
        skip = len(key) + 1 if key else 0
        return fold((entry.key[skip:], entry.digest) for entry in _entries(node))

    async def last_modified(self, key: str) -> float | None:
        node = self._node(key)
        entries = [node] if isinstance(node, Entry) else _entries(node)
        return max((float(entry.modified) for entry in entries), default=None)

    def _find(self, key: str) -> Entry | _Dictionary | None:
        node: Entry | _Dictionary | None = self._root
        for segment in segments(key):
            node = node.get(segment) if isinstance(node, dict) else None
        return node

    def _node(self, key: str) -> Entry | _Dictionary:
        node = self._find(key)
        if node is None:
            raise NotFound(key)
        return node

    def _entry(self, key: str) -> Entry:
        node = self._node(key)
        if not isinstance(node, Entry):
            raise ValueExpected(key)
        return node

    def _content(self, key: str) -> memoryview:
        entry = self._entry(key)
        content = self._image[entry.offset : entry.offset + entry.size]
        if entry.digest not in self._sound:
            from hashlib import sha256

            if sha256(content).digest() != entry.digest:
                raise CrunchError(f"crunch: the content of {key!r} is damaged")
            self._sound.add(entry.digest)
        return content


_Dictionary = dict[str, "Entry | _Dictionary"]


def _kind(node: Entry | _Dictionary) -> Kind:
    return Kind.VALUE if isinstance(node, Entry) else Kind.DICTIONARY


def _plant(root: _Dictionary, entry: Entry) -> None:
    *parents, name = segments(entry.key)
    dictionary = root
    for segment in parents:
        child = dictionary.setdefault(segment, {})
        if isinstance(child, Entry):
            raise CrunchError(f"crunch: {child.key!r} is a value and has {entry.key!r} in it")
        dictionary = child
    dictionary[name] = entry  # keys ascend, so a dictionary of this name cannot be there yet


def _entries(dictionary: _Dictionary) -> Iterator[Entry]:
    """Yield every entry beneath. Keys may be deep: no recursion."""
    waiting: list[Entry | _Dictionary] = [dictionary]
    while waiting:
        node = waiting.pop()
        if isinstance(node, Entry):
            yield node
        else:
            waiting += [node[name] for name in sorted(node, reverse=True)]


def pack(directory: str, out_path: str) -> None:
    """Write the files of `directory` to `out_path` as one image; equal files make equal octets.

    See `fata.driver.kv.crunch_pack.pack`, which is loaded only when an image is made.
    """
    from fata.driver.kv.crunch_pack import pack as pack_now

    pack_now(directory, out_path)
