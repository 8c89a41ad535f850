"""examples/wiki on a machine of its own: its pages come from git over our stack, and changes go back there."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.http.command import curl
from tests.irmin.sync.servers import bare, daemon, git
from tests.programs import needs, needs_runtime
from tests.unikernel.guest import EXAMPLES, Unikernel

pytestmark = [pytest.mark.qemu, needs("qemu-system-x86_64"), needs("git"), needs("curl"), needs_runtime()]


def test_a_page_is_read_changed_and_pushed(tmp_path: Path) -> None:
    served = bare(tmp_path / "served" / "wiki.git")
    git(tmp_path, "clone", "--quiet", str(served), "work")
    (tmp_path / "work" / "home").write_text("Hello.\n")
    git(tmp_path / "work", "add", ".")
    git(tmp_path / "work", "commit", "--quiet", "--message", "first")
    git(tmp_path / "work", "push", "--quiet", "origin", "HEAD:main")
    base = git(served, "rev-parse", "main")
    with daemon(tmp_path / "served") as url:
        there = url.replace("127.0.0.1", "10.0.2.2") + "/wiki.git"  # the host, as QEMU's network shows it
        with Unikernel(EXAMPLES / "wiki", "microvm", "--remote", there, ports=("8080",)) as guest:
            page = f"http://127.0.0.1:{guest.port('8080')}/home"
            assert b"Hello." in curl(page)
            fields = ("--data-urlencode", f"base={base}", "--data-urlencode", "text=From metal.\n")
            assert b"From metal." in curl("--location", *fields, page)
    assert git(served, "show", "main:home") == "From metal."
    assert git(served, "log", "-1", "--format=%s", "main") == "edit home"
