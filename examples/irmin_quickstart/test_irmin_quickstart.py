"""`fata run examples/irmin_quickstart` says what the guide says."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fata_command import fata_run

EXPECTED = """\
hello ['en', 'fr']
None hallo
['de', 'en', 'fr']
"""


@pytest.mark.slow
def test_runs() -> None:
    done = fata_run(Path(__file__).parent)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(EXPECTED)
    lines = done.stdout.splitlines()[3:]
    assert [line[8:] for line in lines[:2]] == [" meanwhile", " first"]
    assert lines[2] == "'greetings/en': both sides changed it (ours 'good day', theirs 'hi')"
