"""Build the runtime: the kernel, CPython and the C library linked once into one ELF, in two profiles.

`full` holds OpenSSL (`_ssl`, `_hashlib`, `_cipher`), `lean` does not. Results go to build/runtime/<profile>/:
fata.elf, fata.debug (symbols), manifest.json; and build/runtime/stdlib.zip for both. A hash of all inputs is kept
beside them: when it is the same, there is nothing to do. Needs Debian's gcc, binutils, dpkg-dev, python3.11,
libpython3.11-dev, libssl-dev, zlib1g-dev and libexpat1-dev.
"""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from scripts.runtime import licences, source

ROOT = Path(__file__).resolve().parents[2]
KERNEL = ROOT / "kernel"
OUTPUT = ROOT / "build" / "runtime"
PYTHON = "/usr/bin/python3.11"  # the guest's own: marshalled code is only good for the version that wrote it
READERS = [ROOT / f"src/fata/target/image/{name}.py" for name in ("codecs", "guest", "imports")]  # for table.py
LIBRARY = Path("/usr/lib/python3.11/config-3.11-x86_64-linux-gnu/libpython3.11.a")
PACKAGES = (
    *("libpython3.11-dev", "libpython3.11-minimal", "libssl-dev", "zlib1g-dev", "libexpat1-dev"),
    *("libc6-dev", "libgcc-12-dev", "gcc-12", "binutils"),
)
FLOORS = Path(__file__).with_name("floors.json")  # measured by hand, with floors.py

WHEREVER = f"-ffile-prefix-map={ROOT}=."  # the result must not depend on where it was built
KERNEL_FLAGS = """
    -std=gnu11 -O2 -g -ffreestanding -fvisibility=hidden -mgeneral-regs-only -mno-red-zone -fno-pie
    -fno-stack-protector -fcf-protection=none -fno-asynchronous-unwind-tables -fno-unwind-tables -fno-strict-aliasing
    -fno-tree-loop-distribute-patterns -Wall -Wextra -Werror
""".split()  # noqa: SIM905
PROGRAM_FLAGS = """
    -std=gnu11 -O2 -fno-pie -fwrapv -fno-asynchronous-unwind-tables -ffunction-sections -fdata-sections -DNDEBUG
    -DPy_BUILD_CORE_BUILTIN -I/usr/include/python3.11 -I/usr/include/python3.11/internal
""".split()  # noqa: SIM905
OWN_FLAGS = """
    -g -Wall -Wextra -Werror -Wno-unused-parameter -Wno-missing-field-initializers -Wno-cast-function-type
""".split()  # noqa: SIM905
LINK_FLAGS = """
    -Wl,--wrap=_PyConfig_InitPathConfig -Wl,--wrap=_Py_Deepfreeze_Init
    -static -no-pie -Wl,--gc-sections -Wl,--build-id=none -Wl,-z,noexecstack -Wl,--no-warn-rwx-segments
""".split()  # noqa: SIM905

# What the kernel may take from outside: the linker script's addresses, and the image header.
FROM_OUTSIDE = ("image", "image_start", "kernel_text", "kernel_text_end", "kernel_data_end", "kernel_zero")

# Modules that Debian builds as shared objects, from its source: name -> file under Modules/.
BORROWED = {
    "_json": "_json.c",
    "_asyncio": "_asynciomodule.c",
    "_contextvars": "_contextvarsmodule.c",
    "_queue": "_queuemodule.c",
    "_typing": "_typingmodule.c",
    "_zoneinfo": "_zoneinfo.c",
}
BORROWED_OVER_OPENSSL = {"_ssl": "_ssl.c", "_hashlib": "_hashopenssl.c"}
PROGRAM = {"main": "main.c", "startup": "startup.c", "archive": "archive.c", "words": "../words.c"}
OWN = {"_hw": "hwmod.c"}
OWN_OVER_OPENSSL = {"_cipher": "ciphermod.c"}


class Profile(NamedTuple):
    """What is linked in, and against which libraries."""

    name: str
    borrowed: dict[str, str]
    own: dict[str, str]
    libraries: list[str]


PROFILES = (
    Profile("lean", BORROWED, OWN, []),
    Profile("full", BORROWED | BORROWED_OVER_OPENSSL, OWN | OWN_OVER_OPENSSL, ["-lssl", "-lcrypto"]),
)


def run(*command: str | Path, cwd: Path | None = None) -> None:
    """Run a build step; its own words are enough when it fails."""
    done = subprocess.run([str(word) for word in command], cwd=cwd, text=True, stderr=subprocess.PIPE)
    if done.returncode:
        sys.exit(f"runtime: {' '.join(map(str, command[:1]))} failed:\n{done.stderr}")


def fingerprint() -> str:
    """Hash everything the result depends on: our files, and the versions of the packages."""
    digest = hashlib.sha256()
    for path in sorted([*KERNEL.rglob("*"), *Path(__file__).parent.glob("*.py"), FLOORS, *READERS]):
        if path.is_file():
            digest.update(str(path.relative_to(ROOT)).encode() + b"\0" + path.read_bytes())
    versions = subprocess.run(["dpkg-query", "-W", *PACKAGES], check=True, stdout=subprocess.PIPE).stdout
    digest.update(versions)
    return digest.hexdigest()


def in_parallel(commands: Iterable[list[str | Path]]) -> None:
    """Run compilers two at a time."""
    with ThreadPoolExecutor(2) as pool:
        for _ in pool.map(lambda command: run(*command), commands):
            pass


def write_call_names(target: Path) -> None:
    """Write the names of Linux's system calls, by number, for the kernel's message about unknown ones."""
    listing = subprocess.run(
        ["gcc", "-E", "-dM", "-include", "asm/unistd_64.h", "-x", "c", "/dev/null"],
        check=True,
        text=True,
        stdout=subprocess.PIPE,
    ).stdout
    rows = re.findall(r"#define __NR_(\w+) (\d+)\n", listing)
    names = "".join(f'    [{number}] = "{name}",\n' for name, number in rows)
    target.write_text(f"static const char *const call_names[] = {{\n{names}}};\n")


def build_kernel(work: Path) -> Path:
    """Compile the kernel into one object whose symbols nobody else can see or bind to."""
    write_call_names(work / "call_names.h")
    files = [*sorted(KERNEL.glob("*.c")), KERNEL / "boot.S", KERNEL / "entry.S"]
    objects = [work / f"{path.stem}.k.o" for path in files]
    includes = [f"-I{KERNEL / 'include'}", f"-I{work}"]
    in_parallel(
        ["gcc", WHEREVER, *KERNEL_FLAGS, *includes, "-c", path, "-o", to]
        for path, to in zip(files, objects, strict=True)
    )
    kernel = work / "kernel.o"
    run("ld", "-r", "-o", kernel, *objects)
    run("objcopy", "--localize-hidden", kernel)
    listing = subprocess.run(["nm", "-u", "-j", kernel], check=True, text=True, stdout=subprocess.PIPE).stdout
    if strange := set(listing.split()) - set(FROM_OUTSIDE):
        sys.exit(f"runtime: the kernel calls for {', '.join(sorted(strange))}, which is not its own")
    return kernel


def build_modules(work: Path, tree: Path) -> dict[str, Path]:
    """Compile every extension module of every profile, and the C main; return the objects by name."""
    # _ssl.c includes socketmodule.h, which wants Bluetooth's headers if pyconfig.h says they exist.
    (work / "ssl.c").write_text('#include <pyconfig.h>\n#undef HAVE_BLUETOOTH_BLUETOOTH_H\n#include "_ssl.c"\n')
    includes = [f"-I{tree / 'Modules'}", f"-I{KERNEL / 'include'}", f"-I{KERNEL / 'program'}"]
    commands: list[list[str | Path]] = []
    objects: dict[str, Path] = {}
    for name, file in (BORROWED | BORROWED_OVER_OPENSSL).items():
        path = work / "ssl.c" if name == "_ssl" else tree / "Modules" / file
        objects[name] = work / f"{name}.o"
        commands.append(["gcc", WHEREVER, *PROGRAM_FLAGS, "-w", *includes, "-c", path, "-o", objects[name]])
    for name, file in (OWN | OWN_OVER_OPENSSL | PROGRAM).items():
        objects[name] = work / f"{name}.o"
        commands.append(
            [
                "gcc",
                WHEREVER,
                *PROGRAM_FLAGS,
                *OWN_FLAGS,
                *includes,
                "-c",
                KERNEL / "program" / file,
                "-o",
                objects[name],
            ]
        )
    objects["image"] = work / "image.o"
    commands.append(["gcc", "-c", KERNEL / "image.S", "-o", objects["image"]])
    in_parallel(commands)
    return objects


def freeze(work: Path, tree: Path) -> Path:
    """Freeze the core set; return its object."""
    run(PYTHON, "-I", Path(__file__).with_name("freeze.py"), tree / "Lib", work)
    includes = [f"-I{KERNEL / 'program'}", f"-I{work}", f"-Wa,-I{work}"]
    run("gcc", *PROGRAM_FLAGS, *includes, "-c", work / "frozen.c", "-o", work / "frozen.o")
    return work / "frozen.o"


def write_inittab(profile: Profile, work: Path) -> Path:
    """Compile the table of the modules that libpython lacks; return its object."""
    names = [*profile.borrowed, *profile.own]
    declared = "".join(f"PyMODINIT_FUNC PyInit_{name}(void);\n" for name in names)
    rows = "".join(f'    {{"{name}", PyInit_{name}}},\n' for name in names)
    path = work / f"inittab-{profile.name}.c"
    path.write_text(f'#include "modules.h"\n{declared}struct _inittab extra_modules[] = {{\n{rows}    {{NULL}},\n}};\n')
    run("gcc", *PROGRAM_FLAGS, f"-I{KERNEL / 'program'}", "-c", path, "-o", path.with_suffix(".o"))
    return path.with_suffix(".o")


def link(profile: Profile, kernel: Path, frozen: Path, objects: dict[str, Path], work: Path) -> Path:
    """Link one profile; its symbols go to a file of their own."""
    folder = OUTPUT / profile.name
    folder.mkdir(parents=True, exist_ok=True)
    whole = work / f"{profile.name}.elf"
    chosen = [objects[name] for name in (*PROGRAM, "image", *profile.borrowed, *profile.own)]
    libraries = [*profile.libraries, "-lexpat", "-lz", "-lm", "-ldl", "-lpthread", "-lutil"]
    command: list[str | Path] = [
        "gcc",
        *LINK_FLAGS,
        f"-Wl,-T,{KERNEL / 'image.ld'}",
        f"-Wl,-Map={work / profile.name}.map",
    ]
    run(*command, "-o", whole, kernel, frozen, write_inittab(profile, work), *chosen, LIBRARY, *libraries)
    run("objcopy", "--only-keep-debug", whole, folder / "fata.debug")
    run("strip", "-o", folder / "fata.elf", whole)
    return folder


def write_manifest(folder: Path, profile: Profile, work: Path, version: str) -> None:
    """Tell the image builder what needs not be packed, built-in and frozen modules, and the measured floors."""
    listing = "import sys, json; print(json.dumps(sys.builtin_module_names))"
    # Debian's interpreter has the same built-in modules as its library: one is linked from the other.
    builtin = json.loads(subprocess.run([PYTHON, "-I", "-S", "-c", listing], check=True, stdout=subprocess.PIPE).stdout)
    names = "import _imp, json; print(json.dumps(_imp._frozen_module_names()))"
    library = json.loads(subprocess.run([PYTHON, "-I", "-S", "-c", names], check=True, stdout=subprocess.PIPE).stdout)
    frozen = {name for name in library if not name.startswith(("__hello", "__phello", "_frozen_importlib"))}
    manifest = {
        "profile": profile.name,
        "python": version,
        "builtin": sorted({*builtin, *profile.borrowed, *profile.own}),
        "frozen": sorted(frozen | set(json.loads((work / "frozen.json").read_text()))),
        "floors": json.loads(FLOORS.read_text())["floors"][profile.name],
    }
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n")


def copy_licences() -> None:
    """Copy the notices of what the linker took: they travel with the runtime."""
    taken: set[Path] = set()
    for profile in PROFILES:
        taken |= licences.linked((OUTPUT / "work" / f"{profile.name}.map").read_text(), OUTPUT)
    licences.copy(licences.packages(taken), OUTPUT / "licences")


def stale_floors(measured: dict[str, str], folder: Path = OUTPUT) -> list[str]:
    """Return the profiles whose runtime is not the one, by its SHA-256, with which the floors were measured."""
    files = {profile.name: folder / profile.name / "fata.elf" for profile in PROFILES}
    return [name for name, file in files.items() if hashlib.sha256(file.read_bytes()).hexdigest() != measured.get(name)]


def main() -> None:
    """Build both profiles unless nothing has changed, and say when the memory floors are those of another runtime."""
    build()
    if stale := stale_floors(json.loads(FLOORS.read_text())["sha256"]):
        print(
            f"runtime: the memory floors of {' and '.join(stale)} were measured on another runtime; when this one is "
            "to stay: python -m scripts.runtime.floors",
            file=sys.stderr,
        )


def build() -> None:
    """Build both profiles unless nothing has changed."""
    stamp, began, now = OUTPUT / "built-from", time.monotonic(), fingerprint()
    if stamp.exists() and stamp.read_text() == now:
        return
    stamp.unlink(missing_ok=True)
    work = OUTPUT / "work"
    work.mkdir(parents=True, exist_ok=True)
    tree = source.fetch(OUTPUT / "source")
    kernel, frozen, objects = build_kernel(work), freeze(work, tree), build_modules(work, tree)
    for profile in PROFILES:
        folder = link(profile, kernel, frozen, objects, work)
        write_manifest(folder, profile, work, source.installed_version())
    run(PYTHON, "-I", Path(__file__).with_name("stdlib.py"), tree / "Lib", OUTPUT / "stdlib.zip")
    run(PYTHON, "-I", Path(__file__).with_name("table.py"), OUTPUT / "stdlib.zip")
    copy_licences()
    stamp.write_text(now)
    sizes = ", ".join(f"{p.name} {(OUTPUT / p.name / 'fata.elf').stat().st_size / 1e6:.1f} MB" for p in PROFILES)
    print(f"runtime: {sizes}, in {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
