"""The dated page of a whole run: totals, what failed and why that is allowed, every module."""

from __future__ import annotations

import datetime
import platform
import subprocess
from collections import Counter
from collections.abc import Mapping

from tests.cpython import tree
from tests.cpython.listing import REASONS, Expected
from tests.cpython.records import Module
from tests.cpython.verdict import Verdict


def page(
    heading: str, modules: list[Module], expected: Mapping[str, Expected], verdict: Verdict, seconds: float
) -> str:
    """Return the page in Markdown below its `heading`; `seconds` is how long the whole run took by the host's clock."""
    failed = [expected[each.test] for module in modules for each in module.outcomes if is_listed(each.test, expected)]
    reasons = Counter(each.reason for each in failed)
    count = {kind: sum(module.count(kind) for module in modules) for kind in ("passed", "failed", "skipped")}
    whole = sum(not module.count("failed") for module in modules)
    lines = [
        heading,
        "",
        f"{len(modules)} modules in {seconds:.0f} s: {sum(count.values()):,} tests, {count['passed']:,} passed, "
        f"{count['skipped']:,} skipped, {count['failed']} failed; {whole} modules without a failure. "
        f"{'As expected.' if verdict.good else 'NOT as expected:'}",
        *([] if verdict.good else ["", "```", str(verdict), "```"]),
        "",
        "## What failed",
        "",
        "Nothing may fail for another reason than these: " + ", ".join(f"{r} ({reasons[r]})" for r in REASONS) + ".",
        "",
        "| test | reason | what it wants |",
        "| --- | --- | --- |",
        *(f"| {each.test} | {each.reason} | {each.wants} |" for each in failed),
        "",
        "## Modules",
        "",
        "Seconds by the guest's clock.",
        "",
        "| module | passed | failed | skipped | s |",
        "| --- | ---: | ---: | ---: | ---: |",
        *(f"| {m.name} | {' | '.join(str(m.count(kind)) for kind in count)} | {m.seconds:.1f} |" for m in modules),
    ]
    return "\n".join(lines) + "\n"


def is_listed(test: str, expected: Mapping[str, Expected]) -> bool:
    """Whether a test is expected to fail (what is not stands in the verdict)."""
    return test in expected


def heading() -> str:
    """Return the page's title, and what is run on what; to be asked before the run: the tree may change meanwhile."""
    date = datetime.datetime.now(datetime.UTC).date().isoformat()
    qemu = subprocess.run(["qemu-system-x86_64", "--version"], check=True, capture_output=True, text=True).stdout
    commit = subprocess.run(
        ["git", "describe", "--always", "--dirty", "--abbrev=12"],
        check=True,
        capture_output=True,
        text=True,
        cwd=tree.ROOT,
    ).stdout
    version = (tree.library().parent / ".complete").read_text().strip()
    return (
        f"# CPython's own tests in the guest, {date}\n\n"
        f"Commit {commit.strip()}. Tests of Debian's python3.11 {version}; full profile; "
        f"{qemu.split(' (')[0]}, microvm, TCG, on Linux {platform.release().split('-')[0]}."
    )
