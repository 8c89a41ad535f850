"""Source to the guest's byte code, the same octets wherever and whenever it is done.

The octets that `marshal` writes depend on how often each object happens to be referred to in the process, so the
compiling is done by a process of its own, in which nothing else has happened. It is the interpreter that runs the tool;
on another version than the guest's there is nothing to compile with, and sources are packed instead.
"""

from __future__ import annotations

import io
import marshal
import os
import subprocess
import sys
from collections.abc import Sequence
from typing import NamedTuple

from fata.target.image.guest import VERSION

ARCHIVE = "/app.zip"
"""Where the guest sees its archive; tracebacks name sources below it."""

CHILD = """
import marshal, sys
from importlib._bootstrap_external import _code_to_hash_pyc
from importlib.util import source_hash
for file, source in marshal.load(sys.stdin.buffer):
    try:
        code = compile(source, file, "exec", dont_inherit=True, optimize=0)
    except (SyntaxError, ValueError) as error:
        marshal.dump((getattr(error, "msg", None) or str(error), getattr(error, "lineno", None)), sys.stdout.buffer)
    else:
        marshal.dump(bytes(_code_to_hash_pyc(code, source_hash(source), False)), sys.stdout.buffer)
"""


class Failure(NamedTuple):
    """Why a module cannot be compiled."""

    reason: str
    line: int | None


def can_compile() -> bool:
    """Say whether this interpreter's byte code is the guest's."""
    return sys.version_info[:2] == VERSION and sys.implementation.name == "cpython"


def compile_all(sources: Sequence[tuple[str, bytes]]) -> list[bytes | Failure]:
    """Compile modules, each (path in the archive, source), to .pyc files that are never compared with a source."""
    named = [(f"{ARCHIVE}/{path}", source) for path, source in sources]
    variables = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(
        [sys.executable, "-S", "-P", "-W", "ignore", "-c", CHILD],
        input=marshal.dumps(named),
        env=variables | {"PYTHONHASHSEED": "0"},
        stdout=subprocess.PIPE,
        check=True,
    )
    stream = io.BytesIO(done.stdout)
    results = [marshal.load(stream) for _ in named]
    return [result if isinstance(result, bytes) else Failure(*result) for result in results]
