"""Fetch CPython's source as Debian ships it, with Debian's patches, from whichever mirror this machine already uses."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

PACKAGE = "python3.11"
HEADERS = "libpython3.11-dev"


def _output(*command: str, cwd: Path | None = None) -> str:
    return subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE, cwd=cwd).stdout


def installed_version() -> str:
    """Return the version of the installed library, for example 3.11.2-6+deb12u6."""
    return _output("dpkg-query", "-W", "-f", "${Version}", HEADERS)


def upstream(version: str) -> str:
    """Return the part of a Debian version that upstream gave: what headers and source must share."""
    return version.split("-", 1)[0]


def _mirrors() -> list[str]:
    """Return the `deb-src` lines that match apt's own `deb` sources of Debian."""
    fields = "$(ORIGIN)|$(REPO_URI)|$(RELEASE)|$(COMPONENT)"
    lines = []
    for row in _output("apt-get", "indextargets", "--format", fields, "Created-By: Packages").splitlines():
        origin, uri, release, component = row.split("|")
        if origin == "Debian":
            key = "/usr/share/keyrings/debian-archive-keyring.gpg"
            lines.append(f"deb-src [signed-by={key}] {uri} {release} {component}")
    return lines


def _apt(folder: Path) -> list[str]:
    """Options that give apt a sources list and state of its own: the machine's stay as they are."""
    (folder / "lists" / "partial").mkdir(parents=True, exist_ok=True)
    (folder / "sources.list").write_text("\n".join(dict.fromkeys(_mirrors())) + "\n")
    return [
        *("-o", f"Dir::Etc::sourcelist={folder / 'sources.list'}", "-o", "Dir::Etc::sourceparts=/dev/null"),
        *("-o", f"Dir::State::lists={folder / 'lists'}", "-o", f"Dir::Cache={folder}"),
        *("-o", "APT::Sandbox::User=root", "-qq"),
    ]


def _candidates(versions: list[str], wanted: str) -> list[str]:
    """Order what is on offer: the installed version, then the same upstream release, newest patches first."""
    same = sorted({version for version in versions if upstream(version) == upstream(wanted)}, reverse=True)
    return [version for version in (wanted, *same) if version in same]


def _download(apt: list[str], folder: Path, versions: list[str]) -> str:
    """Download the first version that a mirror still holds (they lag behind their own lists); return it."""
    for version in dict.fromkeys(versions):
        command = ["apt-get", *apt, "source", "--download-only", f"{PACKAGE}={version}"]
        if subprocess.run(command, cwd=folder, stderr=subprocess.DEVNULL).returncode == 0:
            return version
    sys.exit(f"runtime: no mirror has the source of {PACKAGE}; tried {', '.join(versions) or 'nothing'}")


def fetch(folder: Path) -> Path:
    """Download and unpack the source below `folder` unless it is there; return its tree, patched."""
    wanted = installed_version()
    tree = folder / f"{PACKAGE}-{upstream(wanted)}"
    if (tree / ".complete").exists():
        return tree
    folder.mkdir(parents=True, exist_ok=True)
    apt = _apt(folder)
    subprocess.run(["apt-get", *apt, "update"], check=True)
    found = re.findall(r"^Version: (.+)$", _output("apt-cache", *apt, "showsrc", PACKAGE), re.MULTILINE)
    version = _download(apt, folder, _candidates(found, wanted))
    description = next(folder.glob(f"{PACKAGE}_{version}.dsc"))
    subprocess.run(
        ["dpkg-source", "--no-check", "-x", description.name, tree.name],
        check=True,
        cwd=folder,
        stdout=subprocess.DEVNULL,
    )
    (tree / ".complete").write_text(version + "\n")
    return tree
