"""A store as simple as can be: a dict from keys to values, and what the contract says about it."""

from __future__ import annotations

from fata.device.kv import (
    AlreadyPresent,
    DictionaryExpected,
    InvalidKey,
    Kind,
    NotFound,
    ValueExpected,
)


def _prefixes(key: str) -> list[str]:
    parts = key.split("/")
    return ["/".join(parts[:depth]) for depth in range(1, len(parts))]


class Model:
    """Values by key; `empties` are dictionaries that a store has kept though nothing is left in them."""

    def __init__(self, values: dict[str, bytes] | None = None, empties: set[str] | None = None) -> None:
        self.values = dict(values or {})
        self.empties = set(empties or ())

    def copy(self) -> Model:
        return Model(self.values, self.empties)

    def dictionaries(self) -> set[str]:
        return {"", *self.empties, *(prefix for key in [*self.values, *self.empties] for prefix in _prefixes(key))}

    def exists(self, key: str) -> Kind | None:
        if key in self.values:
            return Kind.VALUE
        return Kind.DICTIONARY if key in self.dictionaries() else None

    def get(self, key: str) -> bytes:
        if key in self.dictionaries():
            raise ValueExpected(key)
        if key not in self.values:
            raise NotFound(key)
        return self.values[key]

    def get_partial(self, key: str, offset: int, length: int) -> bytes:
        return self.get(key)[offset : offset + length]

    def list(self, key: str) -> list[tuple[str, Kind]]:
        if key in self.values:
            raise DictionaryExpected(key)
        if key not in self.dictionaries():
            raise NotFound(key)
        prefix = f"{key}/" if key else ""
        inside = {*self.values, *self.dictionaries()} - {""}
        names = sorted({child[len(prefix) :].split("/")[0] for child in inside if child.startswith(prefix)})
        return [(name, self.exists(prefix + name) or Kind.VALUE) for name in names]

    def _check_place(self, key: str) -> None:
        if key in self.dictionaries():
            raise ValueExpected(key)
        if any(prefix in self.values for prefix in _prefixes(key)):
            raise DictionaryExpected(key)

    def set(self, key: str, value: bytes) -> None:
        self._check_place(key)
        self.values[key] = value

    def set_partial(self, key: str, offset: int, data: bytes) -> None:
        value = self.get(key)
        if data:
            value += bytes(max(offset - len(value), 0))
            self.values[key] = value[:offset] + data + value[offset + len(data) :]

    def allocate(self, key: str, size: int) -> None:
        self._check_place(key)
        if key in self.values:
            raise AlreadyPresent(key)
        self.values[key] = bytes(size)

    def remove(self, key: str) -> None:
        self.values = {one: value for one, value in self.values.items() if not _within(one, key)}
        self.empties = {one for one in self.empties if not _within(one, key)}

    def rename(self, source: str, destination: str) -> None:
        if "" in (source, destination) or destination.startswith(f"{source}/"):
            raise InvalidKey(destination)
        if self.exists(source) is None:
            raise NotFound(source)
        self._check_place(destination)
        if source == destination:
            return
        self.remove(destination)
        end = len(source)
        self.values = {destination + k[end:] if _within(k, source) else k: v for k, v in self.values.items()}
        self.empties = {destination + k[end:] if _within(k, source) else k for k in self.empties}

    def test_and_set(self, key: str, test: bytes | None, new: bytes | None) -> bool:
        if key in self.dictionaries():
            raise ValueExpected(key)
        if self.values.get(key) != test:
            return False
        if new is None:
            self.remove(key)
        else:
            self.set(key, new)
        return True


def _within(key: str, dictionary: str) -> bool:
    return not dictionary or key == dictionary or key.startswith(f"{dictionary}/")
