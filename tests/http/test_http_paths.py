"""From paths to keys: no path leads out of the store, and keys come back as they were."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fata.device.kv import segments
from fata.http.content_types import content_type
from fata.http.paths import key_of, percent_decoded, percent_encoded

PIECES = st.sampled_from([b"/", b".", b"..", b"a", b"%2e", b"%2F", b"%00", b"%", b"%c3%a4", b"%ff", b"//", b"%5c"])


@given(st.lists(PIECES).map(b"".join) | st.text(alphabet=st.characters(min_codepoint=33, max_codepoint=126)))
def test_whatever_the_path_its_key_is_one(path: bytes | str) -> None:
    named = key_of(b"/" + (path if isinstance(path, bytes) else path.encode("ascii")))
    if named is not None:
        segments(named[0])  # raises for what is no key


@given(st.lists(st.text(min_size=1).filter(lambda name: name not in (".", "..") and not set("/\0") & set(name))))
def test_key_survives_the_way_through_a_path(names: list[str]) -> None:
    try:
        "".join(names).encode("utf-8")
    except UnicodeEncodeError:  # a lone surrogate: in no key that could be asked for
        return
    key = "/".join(names)
    assert key_of(b"/" + percent_encoded(key)) == (key, not names)
    assert key_of(b"/" + percent_encoded(key) + b"/") == (key, True)


@pytest.mark.parametrize(
    ("path", "decoded"),
    [
        (b"%41%5a", b"AZ"),
        (b"%zz%4", b"%zz%4"),
        (b"100%", b"100%"),
        (b"%25%34%31", b"%41"),
        (b"%e2%82%AC", "€".encode()),
    ],
)
def test_escapes_are_decoded_once(path: bytes, decoded: bytes) -> None:
    assert percent_decoded(path) == decoded


@pytest.mark.parametrize(
    ("key", "kind"),
    [
        ("a.html", b"text/html; charset=utf-8"),
        ("A.HTML", b"text/html; charset=utf-8"),
        ("v1.2/notes", b"application/octet-stream"),
        ("archive.tar.gz", b"application/gzip"),
        (".css", b"text/css; charset=utf-8"),
        ("a.", b"application/octet-stream"),
        ("a.nobody-knows", b"application/octet-stream"),
    ],
)
def test_type_follows_from_the_name(key: str, kind: bytes) -> None:
    assert content_type(key) == kind
