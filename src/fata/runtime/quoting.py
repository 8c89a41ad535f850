"""The one grammar of argument lines: how a hypervisor's single line and a shell's list of words are the same thing.

Words are separated by spaces (U+0020, nothing else). `"…"` keeps spaces, anywhere in a word. A `\\` takes the
next character literally, inside and outside quotes. `""` is the empty word.
"""

from __future__ import annotations

from fata.errors import ConfigError, StateError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


def split(line: str) -> list[str]:
    """Cut a line into its words. Raises `ConfigError` for a quote that stays open or a last, lone `\\`."""
    words: list[str] = []
    word: list[str] | None = None  # None between words; [] for a word that is empty so far
    quoted = False
    characters = iter(line)
    for character in characters:
        if character == " " and not quoted:
            if word is not None:
                words.append("".join(word))
            word = None
            continue
        word = [] if word is None else word
        if character == '"':
            quoted = not quoted
        elif character == "\\":
            literal = next(characters, None)
            if literal is None:
                raise ConfigError(f"argument line {line!r} ends in a lone \\", remedy="Write \\\\ for one backslash.")
            word.append(literal)
        else:
            word.append(character)
    if quoted:
        raise ConfigError(f'argument line {line!r} ends inside a quote (")', remedy='Close it, or write \\" for one.')
    if word is not None:
        words.append("".join(word))
    return words


def join(words: Iterable[str]) -> str:
    """Write words as a line: `split(join(words)) == words`. Raises `StateError` for a word with a NUL."""
    return " ".join(map(_quote, words))


def _quote(word: str) -> str:
    if "\0" in word:
        raise StateError(f"argument {word!r} holds a NUL, which no target can pass on")
    if word and not any(character in ' "\\' for character in word):
        return word
    return '"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"'
