"""Which wheels the guest can use: pip resolves for Python 3.11 without compiled code, whatever runs it here.

pip judges markers ("python_version < '3.12'") by the Python that runs it. What that leaves out is found in the
wheels' own metadata and asked for by name, until nothing is missing.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from fata.config.graph import Graph
from fata.errors import ConfigError
from fata.target.image.distributions import Distribution
from fata.target.image.guest import VERSION
from fata.target.image.image import unlocked
from fata.target.image.wheels import Wheel, cached, keep
from fata.target.output import Report

PURE = (
    *("--only-binary=:all:", "--python-version", f"{VERSION[0]}.{VERSION[1]}"),
    *("--implementation", "py", "--abi", "none", "--platform", "any"),
)
ROUNDS = 8  # of asking for what a marker hid; each finds a layer of dependencies

GUEST = {
    "implementation_name": "cpython",
    "implementation_version": "3.11.2",
    "os_name": "posix",
    "platform_machine": "x86_64",
    "platform_python_implementation": "CPython",
    "platform_release": "",
    "platform_system": "Linux",
    "platform_version": "",
    "python_full_version": "3.11.2",
    "python_version": "3.11",
    "sys_platform": "linux",
}
"""What a requirement's marker may ask for."""


def settle(graph: Graph, program: bytes, report: Report) -> tuple[list[str], list[Wheel]]:
    """Return the requirements of a program and the wheels that satisfy them; these are in the cache then.

    Required is what config.py names, and each distribution that the program reaches beyond that, as it is installed
    here. Raises ConfigError.
    """
    requirements = sorted({package.requirement for package in graph.project.packages})
    for _ in range(ROUNDS):
        report(f"resolving {', '.join(requirements) or 'nothing'}")
        wheels = resolve(requirements) if requirements else []
        report(f"fetching {len(wheels)} wheels")
        fetch(wheels)
        further = unlocked(graph, program, wheels)
        if not further:
            return requirements, wheels
        requirements = sorted({*requirements, *map(_as_installed, further)})
    raise ConfigError("the requirements do not come to an end", remedy=f"Look at what imports {requirements[-1]}.")


def _as_installed(distribution: Distribution) -> str:
    if not distribution.version:
        raise ConfigError(
            f"{distribution.name!r} is a folder on the path, not an installed distribution, and cannot be locked",
            remedy="Put it beside the application, or make a distribution of it.",
        )
    return f"{canonicalize_name(distribution.name)}=={distribution.version}"


def resolve(requirements: Sequence[str]) -> list[Wheel]:
    """Return the wheels that satisfy requirements in the guest, with all they need. Raises ConfigError."""
    asked = list(requirements)
    for _ in range(ROUNDS):
        report = _report(asked)
        missing = _missing(report)
        if not missing:
            return [_wheel(row) for row in report]
        asked += missing
    raise ConfigError("the requirements do not come to an end", remedy=f"Look at what asks for {asked[-1]}.")


def fetch(wheels: Sequence[Wheel]) -> list[Wheel]:
    """Download what is not in the cache, verified; return those that were fetched. Raises ConfigError."""
    wanted = [wheel for wheel in wheels if not cached(wheel).is_file()]
    if not wanted:
        return []
    with tempfile.TemporaryDirectory(prefix="fata-wheels-") as folder:
        pinned = Path(folder) / "wanted.txt"
        lines = (f"{wheel.name}=={wheel.version} --hash=sha256:{wheel.sha256}\n" for wheel in wanted)
        pinned.write_text("".join(lines), encoding="utf-8")
        options = ("--no-deps", "--require-hashes", "--requirement", str(pinned), "--dest", folder)
        _pip("download", *options, *PURE)
        for wheel in wanted:
            keep(wheel, (Path(folder) / wheel.file).read_bytes())
    return wanted


def _report(requirements: Sequence[str]) -> list[dict[str, Any]]:
    with tempfile.TemporaryDirectory(prefix="fata-resolve-") as folder:
        file = Path(folder) / "report.json"
        # With another Python's wheels pip insists on a folder, though nothing is installed.
        options = ("--dry-run", "--ignore-installed", "--target", folder, "--report", str(file))
        _pip("install", *options, *PURE, *requirements)
        rows: list[dict[str, Any]] = json.loads(file.read_text(encoding="utf-8"))["install"]
    return rows


def _missing(report: Sequence[dict[str, Any]]) -> list[str]:
    there = {canonicalize_name(row["metadata"]["name"]) for row in report}
    missing: dict[str, str] = {}
    for row in report:
        extras = row.get("requested_extras") or [""]
        for text in row["metadata"].get("requires_dist", []):
            requirement = Requirement(text)
            needed = requirement.marker is None or any(
                requirement.marker.evaluate({**GUEST, "extra": extra}) for extra in ["", *extras]
            )
            if needed and canonicalize_name(requirement.name) not in there:
                requirement.marker = None
                missing[requirement.name] = str(requirement)
    return sorted(missing.values())


def _wheel(row: dict[str, Any]) -> Wheel:
    address = urlsplit(row["download_info"]["url"])
    file = unquote(address.path.rpartition("/")[2])
    digest = _digest(row["download_info"].get("archive_info", {}))
    if digest is None and address.scheme == "file":  # pip before 23.1 does not hash what lies in a folder
        digest = hashlib.sha256(Path(unquote(address.path)).read_bytes()).hexdigest()
    if digest is None:
        raise ConfigError(f"the index gives no SHA-256 for {file}", remedy="Use an index that does.")
    return Wheel(canonicalize_name(row["metadata"]["name"]), row["metadata"]["version"], file, digest)


def _digest(archive: dict[str, Any]) -> str | None:
    """Return the SHA-256 that pip tells of an archive: in `hashes`, or before pip 23.1 in `hash`."""
    hashes: dict[str, str] = archive.get("hashes", {})
    kind, _, digest = archive.get("hash", "").partition("=")
    return hashes.get("sha256") or (digest if kind == "sha256" else None)


def _pip(*words: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", *words],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == 0:
        return
    if "No module named pip" in done.stderr:
        raise ConfigError("pip is not installed beside fata", remedy=f"{sys.executable} -m ensurepip")
    told = [line.removeprefix("ERROR: ") for line in done.stderr.splitlines() if line.startswith("ERROR: ")]
    raise ConfigError(
        f"pip finds no pure wheels: {told[-1] if told else done.stderr.strip()}",
        remedy="A guest needs wheels named py3-none-any; take a version or a package that has one.",
    )
