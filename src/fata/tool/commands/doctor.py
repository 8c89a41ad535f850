"""fata doctor."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from typing import NamedTuple

import click

from fata.config.offer import installed
from fata.errors import ConfigError
from fata.target.image.runtime import LEAN, has_runtime
from fata.tool.screen import json_option, show_json


class Finding(NamedTuple):
    """One thing that was looked at. `needed` says for what; `remedy` what to do where it is not there."""

    what: str
    there: bool
    needed: str
    remedy: str


@click.command()
@json_option
def command(as_json: bool) -> None:
    """Say what this machine has for fata, and what it lacks. Status 0 when everything necessary is there."""
    findings = list(_findings())
    fine = all(finding.there for finding in findings if finding.needed == "everything")
    if as_json:
        show_json({"ok": fine, "findings": [finding._asdict() for finding in findings]})
    else:
        width = max(len(finding.what) for finding in findings)
        for finding in findings:
            mark = "ok     " if finding.there else "missing"
            advice = "" if finding.there else f"; {finding.remedy}"
            click.echo(f"{mark}  {finding.what.ljust(width)}  for {finding.needed}{advice}")
    sys.exit(0 if fine else 1)


def _findings() -> Iterator[Finding]:
    version = ".".join(map(str, sys.version_info[:3]))
    yield Finding(f"Python {version}", sys.version_info >= (3, 11), "everything", "install Python 3.11 or later")
    yield Finding(f"platform {sys.platform}", sys.platform == "linux", "everything", "fata runs on Linux")
    yield _devices()
    yield _module("mypy", "`fata check` to check types")
    yield _module("pytest", "`fata test`")
    renderer = any(map(shutil.which, ("rsvg-convert", "dot", "chromium")))
    yield Finding("rsvg-convert", renderer, "`fata describe --format png`", "apt-get install librsvg2-bin")
    tap = os.access("/dev/net/tun", os.R_OK | os.W_OK)
    yield Finding("/dev/net/tun", tap, "`--net direct --interface TAP`", "load the module tun, or run as root")
    fuse = os.access("/dev/fuse", os.R_OK | os.W_OK) and find_spec("mfusepy") is not None
    yield Finding("FUSE", fuse, "`fata mount`", "apt-get install fuse3, and pip install fata[mount]")
    yield _module("cryptography", "encrypted disks in a process")
    yield _runtime()
    qemu = shutil.which("qemu-system-x86_64") is not None
    yield Finding("QEMU", qemu, "`fata run -t virtio`", "apt-get install qemu-system-x86")


def _devices() -> Finding:
    try:
        count = len(installed().offers)
    except ConfigError as error:
        return Finding("devices", False, "everything", str(error))
    return Finding(f"{count} kinds of devices", True, "everything", "")


def _runtime() -> Finding:
    needed = "`fata build -t virtio`"
    try:
        return Finding("runtime of unikernels", has_runtime(LEAN) is not None, needed, "make runtime")
    except ConfigError as error:
        return Finding("runtime of unikernels", False, needed, str(error))


def _module(name: str, needed: str) -> Finding:
    return Finding(name, find_spec(name) is not None, needed, f"pip install {name}")
