"""The help of keys, from the `Keys:` section of a docstring."""

from __future__ import annotations

import pytest

from fata.config.signature import KeyParameter
from fata.config.signature.docstring import key_help, summary
from tests.config.conftest import Folder


@pytest.mark.parametrize(
    ("docstring", "found"),
    [
        (None, {}),
        ("", {}),
        ("More prose.", {}),
        ("Keys:\n    port: TCP port", {"port": "TCP port"}),
        ("Keys:\n  port: TCP port\n  host: address\n", {"port": "TCP port", "host": "address"}),
        ("Keys:\n    port: TCP port,\n        from 1 on\n", {"port": "TCP port, from 1 on"}),
        (
            "Keys:\n    port: TCP port: a number\n        time: not a key\n",
            {"port": "TCP port: a number time: not a key"},
        ),
        ("Keys:\n    port:\n        TCP port\n        to listen on", {"port": "TCP port to listen on"}),
        ("Keys:\n\n    port: TCP port\n\n    host: address\n\n", {"port": "TCP port", "host": "address"}),
        ("Keys:\n    port: TCP port\nRaises:\n    host: no key\n", {"port": "TCP port"}),
        ("Keys:\n    port: TCP port\n\nMore prose.\n\n    host: no key\n", {"port": "TCP port"}),
        ("Args:\n    host: no key\n\nKeys:\n    port: TCP port\n", {"port": "TCP port"}),
        ("The Keys: here are none\n    port: no key\n", {}),
        ("Keys:\n    a continuation of nothing\n    port: TCP port\n", {"port": "TCP port"}),
        ("Keys:\n    größe: wie groß\n", {"größe": "wie groß"}),
    ],
)
def test_a_keys_section_is_read(docstring: str | None, found: dict[str, str]) -> None:
    assert key_help(docstring and f"Serve files.\n\n{docstring}") == found


@pytest.mark.parametrize(
    ("docstring", "line"),
    [
        (None, ""),
        ("", ""),
        ("Serve files.", "Serve files."),
        ("\n    Serve\n    files.\n\n    More.\n", "Serve files."),
    ],
)
def test_the_summary_is_the_first_paragraph_as_a_line(docstring: str | None, line: str) -> None:
    assert summary(docstring) == line


def test_help_comes_from_the_class_and_failing_that_from_its_bases(folder: Folder) -> None:
    folder.app('''
        class Base:
            """Base.

            Keys:
                port: a port
                host: a host
            """

            def __init__(self, *, port: int, host: str, count: int) -> None: ...

        class App(Base):
            """Serve.

            Keys:
                port: TCP port to
                    listen on
            """

            async def run(self) -> None: ...
        ''')
    signature = folder.signature()
    assert signature.doc == "Serve."
    helps = {key.name: key.doc for key in signature.parameters if isinstance(key, KeyParameter)}
    assert helps == {"port": "TCP port to listen on", "host": "a host", "count": ""}
