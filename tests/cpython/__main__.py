"""Run CPython's own tests in the guest and judge them: all of modules.txt, those of a tag, or the named ones.

    .venv/bin/python -m tests.cpython               all, as `make nightly` does
    .venv/bin/python -m tests.cpython --tag ci      what CI runs
    .venv/bin/python -m tests.cpython test_io       one, listed or not; every failure with its traceback

Needs `make runtime`. The status is 0 when all went as expected.txt says.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
import time
from pathlib import Path

from tests.cpython import boot, listing
from tests.cpython.page import heading, page
from tests.cpython.verdict import judge


def main() -> int:
    """Run, tell each module as it ends, then the verdict."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("modules", nargs="*", help="modules of CPython's package `test`")
    parser.add_argument("--tag", choices=listing.TAGS, help="only those with this tag")
    parser.add_argument("--limit", type=float, default=boot.LIMIT, help="seconds for each module")
    parser.add_argument("--machine", default="microvm", choices=("microvm", "q35"))
    parser.add_argument(
        "--json", type=argparse.FileType("w"), help="write every module's outcomes to this file, one a line"
    )
    parser.add_argument("--page", type=Path, help="write the results to this file, dated")
    wanted = parser.parse_args()
    names = wanted.modules or [row.name for row in listing.the_modules() if wanted.tag in (None, row.tag)]
    begun, began, ended = heading() if wanted.page else "", time.monotonic(), []
    for module in boot.run(names, wanted.limit, machine=wanted.machine):
        ended.append(module)
        if wanted.json:
            print(json.dumps(dataclasses.asdict(module)), file=wanted.json, flush=True)
        counts = ", ".join(f"{module.count(kind)} {kind}" for kind in ("passed", "failed", "skipped"))
        print(f"{module.name}: {counts} in {module.seconds:.1f} s", flush=True)
    expected = listing.the_expectations()
    verdict = judge(ended, expected)
    if wanted.page:
        wanted.page.write_text(page(begun, ended, expected, verdict, time.monotonic() - began), encoding="utf-8")
    print(verdict if not verdict.good else "all as expected", file=sys.stderr)
    return 0 if verdict.good else 1


if __name__ == "__main__":
    sys.exit(main())
