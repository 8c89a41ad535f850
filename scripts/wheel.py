"""Build the wheel with the runtime in it: what `pip install` needs to bring so that images are made without a compiler.

A plain `pip wheel .` or `pip install -e .` knows nothing of this. Here a copy of the package is made in which the
runtime is a folder of data (fata/runtimes, where `find_runtime` looks) and the project's metadata tell the licences of
what is linked into it; that copy is built the ordinary way.

Usage: python -m scripts.wheel [FOLDER]    FOLDER is where the wheel goes, dist/ unless told.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
RUNTIME = ROOT / "build" / "runtime"
PROJECT_FILES = ("README.md", "LICENSE")
RUNTIME_FILES = (
    "stdlib.zip",
    "stdlib.json",
    *(f"{profile}/{file}" for profile in ("full", "lean") for file in ("fata.elf", "manifest.json")),
)

# Ours, Python's, OpenSSL's, the C library's, expat's, zlib's and the compiler's own library's.
LICENCE = (
    "ISC AND Python-2.0.1 AND Apache-2.0 AND LGPL-2.1-or-later AND MIT AND Zlib "
    "AND GPL-3.0-or-later WITH GCC-exception-3.1"
)
CHANGES = {
    'license = "ISC"\n': f'license = "{LICENCE}"\n',
    'license-files = ["LICENSE"]\n': 'license-files = ["LICENSE", "licences/*"]\n',
}


def write_project(target: Path) -> None:
    """Write the project's metadata, with the licences of what is linked into the runtime."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    for ours, whole in CHANGES.items():
        if text.count(ours) != 1:
            sys.exit(f"wheel: pyproject.toml has no line {ours.strip()}")
        text = text.replace(ours, whole)
    target.write_text(text, encoding="utf-8")


def lay_out(tree: Path) -> None:
    """Fill an empty folder with what the wheel is built from."""
    missing = [name for name in (*RUNTIME_FILES, "licences") if not (RUNTIME / name).exists()]
    if missing:
        sys.exit(f"wheel: build/runtime lacks {', '.join(missing)}: run `make runtime`")
    write_project(tree / "pyproject.toml")
    for name in PROJECT_FILES:
        shutil.copyfile(ROOT / name, tree / name)
    shutil.copytree(RUNTIME / "licences", tree / "licences")
    package = tree / "src" / "fata"
    shutil.copytree(ROOT / "src" / "fata", package, ignore=shutil.ignore_patterns("__pycache__"))
    for name in RUNTIME_FILES:
        target = package / "runtimes" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(RUNTIME / name, target)


def build(output: Path) -> Path:
    """Build the wheel into a folder and return its path."""
    with tempfile.TemporaryDirectory(prefix="fata-wheel-") as name:
        tree, made = Path(name, "tree"), Path(name, "made")
        tree.mkdir()
        lay_out(tree)
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
        if subprocess.run([*pip, "wheel", "--quiet", "--no-deps", "--wheel-dir", made, tree], check=False).returncode:
            sys.exit("wheel: pip could not build it")
        (wheel,) = made.glob("fata-*.whl")
        output.mkdir(parents=True, exist_ok=True)
        return Path(shutil.copy(wheel, output))


def main() -> None:
    """Build the wheel and tell its size."""
    wheel = build(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "dist")
    print(f"{wheel}  {wheel.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
