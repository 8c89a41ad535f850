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

from fata.errors import ConfigError
from fata.target.image.guest import VERSION

ARCHIVE = "/app.zip"
"""Where the guest sees its zip; tracebacks name sources below it."""

EPOCH = (1980, 1, 1, 0, 0, 0)  # the zip format's first date

CHILD = """
import marshal, sys
from importlib._bootstrap_external import _code_to_hash_pyc
from importlib.util import source_hash
optimize = int(sys.argv[1])
for file, source in marshal.load(sys.stdin.buffer):
    try:
        code = compile(source, file, "exec", dont_inherit=True, optimize=optimize)
    except (SyntaxError, ValueError) as error:
        marshal.dump((getattr(error, "msg", None) or str(error), getattr(error, "lineno", None)), sys.stdout.buffer)
    else:
        marshal.dump(bytes(_code_to_hash_pyc(code, source_hash(source), False)), sys.stdout.buffer)
"""


def can_compile() -> bool:
    """Say whether this interpreter's byte code is the guest's."""
    return sys.version_info[:2] == VERSION and sys.implementation.name == "cpython"


def compile_all(sources: Sequence[tuple[str, bytes]], *, optimize: int = 0) -> list[bytes]:
    """Compile modules, each (path in the zip, source), to .pyc files that are never compared with a source.

    `optimize` 2 leaves out assertions and docstrings. Raises ConfigError at a line that cannot be compiled.
    """
    variables = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    named = [(f"{ARCHIVE}/{path}", source) for path, source in sources]
    done = subprocess.run(
        [sys.executable, "-S", "-P", "-W", "ignore", "-c", CHILD, str(optimize)],
        input=marshal.dumps(named),
        env=variables | {"PYTHONHASHSEED": "0"},
        capture_output=True,
        check=True,
    )
    return list(_results(done.stdout, sources))


def _results(output: bytes, sources: Sequence[tuple[str, bytes]]) -> list[bytes]:
    stream, results = io.BytesIO(output), []
    for path, _ in sources:
        result = marshal.load(stream)
        if not isinstance(result, bytes):
            raise ConfigError(
                f"cannot be compiled: {result[0]}", remedy="Mend the syntax.", file=path, line=result[1]
            )
        results.append(result)
    return results
