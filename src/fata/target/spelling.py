"""How names, types and values are written in main.py, so that no two things have one name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from fata.config.value import Enumeration, KeyType, Many, Maybe, OneOf, Plain, Scalar, quoted

ARGUMENTS = "fata.runtime.arguments"
CONVERTERS = {"str": "text", "int": "integer", "float": "number", "bool": "boolean"}


WIDTH = 100  # columns; a longer call is written one argument a line


class Names:
    """The names at the top of main.py: its own, and those it imports, each different from all others."""

    def __init__(self, taken: Iterable[str]) -> None:
        self._taken = set(taken)
        self._imported: dict[tuple[str, str], str] = {}
        self._annotations: set[tuple[str, str]] = set()

    def own(self, wish: str) -> str:
        """Take a name for something that main.py defines: `wish`, with a number if need be."""
        name, number = wish, 1
        while name in self._taken:
            number += 1
            name = f"{wish}_{number}"
        self._taken.add(name)
        return name

    def imported(self, module: str, attribute: str, *, annotation: bool = False) -> str:
        """Import `attribute` of `module` and return what to call it. `annotation`: only a type checker needs it."""
        known = (module, attribute)
        if known not in self._imported:
            self._imported[known] = self.own(attribute)
            if annotation:
                self._annotations.add(known)
        if not annotation:
            self._annotations.discard(known)
        return self._imported[known]

    def imports(self, *, annotations: bool) -> Iterator[str]:
        """Write the import statements, sorted by module."""
        wanted: dict[str, list[str]] = {}
        for (module, attribute), name in sorted(self._imported.items()):
            if ((module, attribute) in self._annotations) == annotations:
                wanted.setdefault(module, []).append(attribute if name == attribute else f"{attribute} as {name}")
        for module, names in wanted.items():
            line = f"from {module} import {', '.join(names)}"
            yield from [line] if len(line) <= WIDTH else call(f"from {module} import ", names)

    def converter(self, key_type: KeyType) -> str:
        """Write what reads a type's text at boot."""
        match key_type:
            case Scalar(name):
                return self.imported(ARGUMENTS, CONVERTERS[name])
            case OneOf(values):
                return f"{self.imported(ARGUMENTS, 'choice')}({', '.join(map(quoted, values))})"
            case Enumeration(module, name):
                return f"{self.imported(ARGUMENTS, 'enum')}({self.imported(module, name)})"
            case Many(of):
                return f"{self.imported(ARGUMENTS, 'many')}({self.converter(of)})"
            case Maybe(of):
                return f"{self.imported(ARGUMENTS, 'optional')}({self.converter(of)})"

    def annotation(self, key_type: KeyType) -> str:
        """Write a type for a type checker."""
        match key_type:
            case Scalar(name):
                return name
            case OneOf(values):
                return f"{self.imported('typing', 'Literal', annotation=True)}[{', '.join(map(quoted, values))}]"
            case Enumeration(module, name):
                return self.imported(module, name, annotation=True)
            case Many(of):
                return f"list[{self.annotation(of)}]"
            case Maybe(of):
                return f"{self.annotation(of)} | None"

    def literal(self, key_type: KeyType, value: Plain) -> str:
        """Write a value of a type."""
        match key_type:
            case _ if value is None:
                return "None"
            case Maybe(of):
                return self.literal(of, value)
            case Many(of) if isinstance(value, list):
                return f"[{', '.join(self.literal(of, item) for item in value)}]"
            case Enumeration(module, name):
                return f"{self.imported(module, name)}.{value}"
        return quoted(value)


def call(head: str, arguments: Sequence[str | tuple[str, ...]], indent: str = "") -> Iterator[str]:
    """Write a call on a line, or an argument a line if that is too long; so also a tuple among the arguments."""
    texts = [argument if isinstance(argument, str) else _tuple(argument) for argument in arguments]
    line = f"{indent}{head}({', '.join(texts)})"
    if len(line) <= WIDTH:
        yield line
        return
    yield f"{indent}{head}("
    for argument, text in zip(arguments, texts, strict=True):
        line = f"{indent}    {text},"
        if isinstance(argument, str) or len(line) <= WIDTH:
            yield line
        else:
            *lines, last = call("", argument, f"{indent}    ")
            yield from [*lines, f"{last},"]
    yield f"{indent})"


def _tuple(items: tuple[str, ...]) -> str:
    return f"({', '.join(items)}{',' if len(items) == 1 else ''})"
