"""From what stands on the command line to a settled graph: the way every command begins."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from fata.config.graph import Graph, missing_value, resolve
from fata.config.impl import HostPath
from fata.config.lock import Lock, check_against, read_lock
from fata.config.offer import installed
from fata.config.plan import Plan, make_plan, ways_to
from fata.config.project import Project, load
from fata.config.pyproject import PYPROJECT, check_keys, read_pyproject
from fata.config.settings import path_of, settle
from fata.config.toml import read_toml
from fata.errors import ConfigError
from fata.target.reach import check_imports

TARGETS = ("unix", "virtio")
PLANNED = ("sandbox", "xen")


class Session(NamedTuple):
    """A project, its plan for one target, and what its lock says."""

    project: Project
    plan: Plan
    lock: Lock | None
    words: tuple[str, ...]  # of the command line, for keys
    defaults: dict[str, object]  # [tool.fata.keys]

    def graph(self, *, booting: bool = False, starting: bool = False, locking: bool = False) -> Graph:
        """Settle every key and choice. Raises ConfigError.

        `booting`: keys that the program reads at boot may differ from the lock. `starting`: and none may be without a
        value. `locking`: what is imported need not be installed, its wheels are about to be found.
        """
        booting = booting or starting
        locked = self.lock.keys if self.lock is not None else {}
        settings = settle(self.plan.keys, self.words, os.environ, self.defaults, locked)
        graph = resolve(self.plan, settings, booting=booting)
        for name, setting in settings.items():
            if setting.origin == "command line" and name not in {key.name for key in graph.keys}:
                ways = " or ".join(f"`{way}`" for way in ways_to(self.plan, name))
                raise ConfigError(
                    f"--{name} belongs to a device that is not chosen",
                    remedy=f"Choose it by {ways}." if ways else "See `fata describe` for what is.",
                )
        if self.lock is not None:
            check_against(self.lock, graph, booting=booting)
        # An image with a lock takes nothing from what is installed beside the tool.
        if not locking and (graph.target != "virtio" or not _has_wheels(self.project)):
            check_imports(graph)
            _check_packages(self.project)
        if starting:
            _check_values(graph)
        if booting:
            _check_paths(graph)
        return graph


def open_session(words: Sequence[str], target: str | None, *, ignore_lock: bool = False) -> Session:
    """Load the project that the first word names (by default this folder's); the rest is for its keys.

    `ignore_lock`: it is about to be written anew, whatever it says and whether or not it can be read.
    """
    subject, rest = (words[0], words[1:]) if words and not words[0].startswith("-") else (".", words)
    project = load(subject)
    table = read_pyproject(project.directory)
    lock = None if ignore_lock else read_lock(project.directory)
    chosen = _target(target, table, lock)
    plan = make_plan(project, installed(), chosen)
    defaults = dict(table.get("keys", {}))
    if not defaults.keys() <= {key.name for key in plan.keys}:
        check_keys(project.directory, defaults, _keys_anywhere(plan))
    return Session(project, plan, lock, tuple(rest), defaults)


def _keys_anywhere(plan: Plan) -> dict[str, None]:
    """Return the names of a project's keys on every target, as an ordered set: one target's come first."""
    names = dict.fromkeys(key.name for key in plan.keys)
    for target in TARGETS:
        try:
            names |= dict.fromkeys(key.name for key in make_plan(plan.project, plan.catalog, target).keys)
        except ConfigError:  # not for this target
            continue
    return names


def _target(given: str | None, pyproject: Mapping[str, Any], lock: Lock | None) -> str:
    """Return the target: what was given, FATA_TARGET, [tool.fata], the lock's, or unix."""
    wishes = (
        ("", given),
        ("FATA_TARGET: ", os.environ.get("FATA_TARGET")),
        (f"[tool.fata] of {PYPROJECT}: ", pyproject.get("target")),
        ("", TARGETS[0] if lock is None else lock.target),
    )
    said_by, name = next((said_by, str(name)) for said_by, name in wishes if name)
    check_target(name, said_by)
    return name


def check_target(name: str, said_by: str = "") -> None:
    """Refuse a target that does not exist, or not yet; `said_by` begins the message."""
    there = f"There is {', '.join(TARGETS)}."
    if name in PLANNED:
        raise ConfigError(f"{said_by}target {name!r} is planned and not there yet", remedy=there)
    if name not in TARGETS:
        raise ConfigError(f"{said_by}unknown target {name!r}", remedy=there)


def application_version(directory: Path) -> str:
    """Return the version in the application's own pyproject.toml; "0" without one."""
    try:
        table = read_toml(directory / PYPROJECT)
    except (OSError, ValueError):
        return "0"
    return str(table.get("project", {}).get("version", "0"))


def _check_values(graph: Graph) -> None:
    """Refuse to start a program that would stop at once for want of a value."""
    for key in graph.keys:
        if key.name not in graph.settings:
            raise missing_value(key)


def _check_paths(graph: Graph) -> None:
    """Refuse a path of the host that is not there: told here, it can be blamed on a line of config.py."""
    for node in graph.nodes:
        for _, argument in node.device.arguments:
            if not isinstance(argument, HostPath):
                continue
            if isinstance(argument.text, str):
                path, where, remedy = graph.project.directory / argument.text, node.device.where, "Make it."
            elif argument.text.name not in graph.settings:
                continue
            else:
                key = argument.text
                path, where = path_of(graph.settings[key.name], graph.project.directory), key.where
                remedy = f"Make it, or give another: --{key.name}=…"
            if not path.exists():
                raise where.error(f"there is no {path}, which {node.device.label} needs", remedy)


def _has_wheels(project: Project) -> bool:
    from fata.target.image.wheels import read_wheel_lock

    return read_wheel_lock(project.directory) is not None


def _check_packages(project: Project) -> None:
    if not project.packages:
        return
    from importlib.metadata import PackageNotFoundError, version

    from packaging.requirements import InvalidRequirement, Requirement

    for package in project.packages:
        try:
            requirement = Requirement(package.requirement)
            found = version(requirement.name)
        except InvalidRequirement as error:
            raise package.where.error(f"package({package.requirement!r}): {error}", "Write it as pip does.") from None
        except PackageNotFoundError:
            raise package.where.error(
                f"package {package.requirement!r} is not installed", f"pip install '{package.requirement}'"
            ) from None
        if not requirement.specifier.contains(found, prereleases=True):
            raise package.where.error(
                f"package {package.requirement!r} is wanted, and {found} is installed",
                f"pip install '{package.requirement}'",
            )
