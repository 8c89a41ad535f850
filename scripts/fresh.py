"""Prove the set-up: clone HEAD into an empty Debian 12 that holds only python3, git and make; run make targets there.

Usage: sudo scripts/fresh.py TARGET…

Everything happens in a mount and process namespace of its own: however this ends, the kernel takes back what was
mounted and started. The machine's way to its package registries (pip's settings, apt's sources, proxies, CA
certificates, name servers) is read from the environment and copied in; none of it is known to this repository.
"""

from __future__ import annotations

import ast
import fcntl
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from configparser import RawConfigParser
from io import StringIO
from pathlib import Path
from urllib.parse import urlsplit

REPOSITORY = Path(__file__).resolve().parent.parent
CACHE = REPOSITORY / ".setup" / "fresh"
SUITE = "bookworm"  # Debian 12
PACKAGES = "python3,git,make"
BASE = CACHE / f"{SUITE}.tar"
CLONE = "/root/fata"  # inside
INSIDE = "--inside"  # marks the second start, within the namespaces

PASSED_ON = re.compile(
    r"PIP_\w+|(https?|ftp|all|no)_proxy|\w*(CA_BUNDLE|CA_CERTS|CERT_FILE|CERT_DIR|CAINFO)", re.IGNORECASE
)
APT_SETTINGS = re.compile(r"Acquire::(https?|Check-|Retries|ForceIPv)[^ ]* ")
DEVICES = ("null", "zero", "full", "random", "urandom", "tty")


def main() -> int:
    """Check what is needed, enter the namespaces, and run the targets there."""
    targets = [word for word in sys.argv[1:] if word != INSIDE]
    if INSIDE in sys.argv:
        return inside(targets)
    if os.geteuid() != 0:
        return refuse("it makes a chroot and mounts /proc in it, which takes root. Run: sudo make fresh")
    lacking = [tool for tool in ("debootstrap", "unshare", "tar", "git") if shutil.which(tool) is None]
    if lacking:
        return refuse(f"it needs {', '.join(lacking)}: apt-get install debootstrap util-linux tar git")
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return refuse("another one is running")
        namespaces = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--propagation", "private"]
        try:
            return subprocess.run([*namespaces, sys.executable, __file__, INSIDE, *targets], check=False).returncode
        finally:
            shutil.rmtree(CACHE / "root", ignore_errors=True)


def refuse(reason: str) -> int:
    """Say why nothing was done."""
    print(f"make fresh: {reason}", file=sys.stderr)
    return 2


def inside(targets: list[str]) -> int:
    """Make the machine, clone into it, run the targets; report each with its time."""
    if not BASE.exists():
        make_base()
    root = CACHE / "root"
    shutil.rmtree(root, ignore_errors=True)  # left by a run that was killed; its mounts went with it
    root.mkdir()
    say(f"unpacking an empty Debian 12 with {PACKAGES.replace(',', ', ')}")
    run("tar", "-xf", str(BASE), "-C", str(root))
    mount_system(root)
    environment = bring_settings(root)
    clone(root)
    for target in targets:
        say(f"make {target}")
        start = time.monotonic()
        command = ["chroot", str(root), "/bin/sh", "-c", f"cd {CLONE} && exec make {target}"]
        status = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, check=False).returncode
        verdict = "passed" if status == 0 else f"failed with status {status}"
        say(f"make {target}: {verdict}, {time.monotonic() - start:.1f} s")
        if status:
            return 1
    return 0


def make_base() -> None:
    """Debootstrap once; later runs unpack the archive."""
    say("debootstrap: about a minute, once")
    folder = CACHE / "base"
    shutil.rmtree(folder, ignore_errors=True)
    mirror = [uri for uri, suite, _ in apt_sources() if suite == SUITE][:1]
    run("debootstrap", "--variant=minbase", f"--include={PACKAGES}", SUITE, str(folder), *mirror, quiet=True)
    part = BASE.with_suffix(".part")
    run("tar", "-cf", str(part), "-C", str(folder), "--exclude=./var/cache/apt/archives/*.deb", ".")
    part.rename(BASE)
    shutil.rmtree(folder)


def mount_system(root: Path) -> None:
    """Give the machine the few devices and file systems that programs count on."""
    run("mount", "-t", "proc", "proc", str(root / "proc"))
    run("mount", "-t", "tmpfs", "-o", "mode=755", "dev", str(root / "dev"))
    for name in DEVICES:
        (root / "dev" / name).touch()
        run("mount", "--bind", f"/dev/{name}", str(root / "dev" / name))
    for folder, kind, options in (("pts", "devpts", "newinstance,ptmxmode=0666"), ("shm", "tmpfs", "mode=1777")):
        (root / "dev" / folder).mkdir()
        run("mount", "-t", kind, "-o", options, kind, str(root / "dev" / folder))
    (root / "dev" / "ptmx").symlink_to("pts/ptmx")
    (root / "dev" / "fd").symlink_to("/proc/self/fd")


def bring_settings(root: Path) -> dict[str, str]:
    """Copy in how this machine reaches its registries; return the environment for commands inside."""
    for name in ("resolv.conf", "hosts"):
        shutil.copyfile(f"/etc/{name}", root / "etc" / name)
    sources = [f"deb {uri} {suite} {component}\n" for uri, suite, component in apt_sources() if suite.startswith(SUITE)]
    if sources:
        (root / "etc/apt/sources.list").write_text("".join(sources))
    settings = output("apt-config", "dump", "Acquire").splitlines(keepends=True)
    (root / "etc/apt/apt.conf.d/99environment").write_text("".join(filter(APT_SETTINGS.match, settings)))
    configuration = pip_configuration()
    (root / "etc/pip.conf").write_text(configuration)
    passed_on = {name: value for name, value in os.environ.items() if PASSED_ON.fullmatch(name)}
    for path in sorted(local_paths([configuration, *passed_on.values()])):
        bring(path, root)
    return {"HOME": "/root", "LANG": "C.UTF-8", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "TERM": "dumb", **passed_on}


def apt_sources() -> list[tuple[str, str, str]]:
    """Return this machine's Debian sources as (URI, suite, component); [] where apt is not set up."""
    told = output("apt-get", "indextargets", "--format", "$(REPO_URI) $(CODENAME) $(COMPONENT)", "Created-By: Packages")
    rows = {tuple(line.split()) for line in told.splitlines()}
    return sorted((row[0], row[1], row[2]) for row in rows if len(row) == 3)


def pip_configuration() -> str:
    """Return what pip's configuration files say here, all of them together, as one file."""
    merged = RawConfigParser()
    for line in output(sys.executable, "-m", "pip", "config", "list").splitlines():
        name, _, value = line.partition("=")
        section, _, option = name.partition(".")
        if section == ":env:":
            continue
        if not merged.has_section(section):
            merged.add_section(section)
        merged.set(section, option, str(ast.literal_eval(value)))
    text = StringIO()
    merged.write(text)
    return text.getvalue()


def local_paths(texts: list[str]) -> Iterator[Path]:
    """Yield the files and folders of this machine that settings name, plainly or as file: addresses."""
    for word in " ".join(texts).split():
        path = Path(urlsplit(word).path if word.startswith("file:") else word)
        if path.is_absolute() and path.exists() and path != Path("/"):
            yield path


def bring(path: Path, root: Path) -> None:
    """Copy certificates, which packages may add to; mount folders of packages, which may be large, read-only."""
    if path.name == "simple":
        path = path.parent  # an index; the files that it leads to lie beside it
    there = root / path.relative_to("/")
    if path.is_file():
        there.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, there)
        # The package ca-certificates, once installed, writes its bundle anew from the certificates it finds here.
        local = root / "usr/local/share/ca-certificates"
        local.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, (local / path.name).with_suffix(".crt"))
    elif path.is_relative_to("/etc"):
        shutil.copytree(path, there, dirs_exist_ok=True, ignore_dangling_symlinks=True)
    else:
        there.mkdir(parents=True, exist_ok=True)
        run("mount", "--bind", str(path), str(there))
        run("mount", "-o", "remount,bind,ro", str(there))


def clone(root: Path) -> None:
    """Clone HEAD, with what is committed and nothing else."""
    if output("git", "-C", str(REPOSITORY), "status", "--porcelain"):
        say("note: what is not committed is not tested")
    run("git", "clone", "--quiet", "--no-hardlinks", str(REPOSITORY), str(root / CLONE.lstrip("/")))


def run(*command: str, quiet: bool = False) -> None:
    """Run a command that has to succeed; a quiet one shows its output only if it does not."""
    done = subprocess.run(command, check=False, stdout=subprocess.PIPE if quiet else None, text=True)
    if done.returncode:
        print(done.stdout or "", file=sys.stderr)
        raise SystemExit(f"make fresh: {' '.join(command)}: status {done.returncode}")


def output(*command: str) -> str:
    """Return what a command prints; "" when it fails or does not exist."""
    try:
        return subprocess.run(command, check=False, capture_output=True, text=True).stdout
    except FileNotFoundError:
        return ""


def say(text: str) -> None:
    """Tell a step."""
    print(f"fresh: {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
