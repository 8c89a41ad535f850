"""The floor that an image carries: with so much memory it works, with less it says what it has and what it needs."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from fata.target.image import elf
from fata.target.virtio.machine import MODELS
from scripts.runtime import build, floors
from tests.kernel import machine
from tests.programs import RUNTIMES, needs, needs_runtime

pytestmark = needs_runtime()

FUNCTION = """

def f{n}(a, b):
    for c in a.x{n} + b:
        if c > a:
            b.append((c, "text {n}"))
    return b
"""
MUCH_CODE = floors.HELLO + "".join(FUNCTION.replace("{n}", str(n)) for n in range(4000))


@pytest.mark.qemu
@needs("qemu-system-x86_64")
@pytest.mark.parametrize("kind", floors.PROGRAMS)
def test_a_program_boots_at_its_floor_and_refuses_below(tmp_path: Path, kind: str) -> None:
    image = floors.build_image(floors.PROGRAMS[kind], tmp_path / kind)
    need = elf.read(image.read_bytes()).floor >> 10
    assert need == json.loads((RUNTIMES / "lean" / "manifest.json").read_text())["floors"][kind]
    for model in MODELS:
        assert floors.works(image, model, need), f"{kind} on {model} with {need} MiB"
        refused = machine.boot(image, machine=model, memory=need - 1)
        assert refused.status == 134
        assert f"fata: have {need - 1} MiB, need {need} MiB\n" in refused.output


@pytest.mark.qemu
@needs("qemu-system-x86_64")
def test_a_program_with_much_code_has_a_floor_that_is_enough(tmp_path: Path) -> None:
    image = floors.build_image(MUCH_CODE, tmp_path / "app")
    need = elf.read(image.read_bytes()).floor >> 10
    assert need > floors.floor(floors.make(floors.HELLO, tmp_path / "hello"), MODELS[0])
    assert floors.works(image, MODELS[0], need)


def test_floors_of_another_runtime_are_told(tmp_path: Path) -> None:
    for profile in ("lean", "full"):
        (tmp_path / profile).mkdir()
        (tmp_path / profile / "fata.elf").write_bytes(profile.encode())
    lean = hashlib.sha256(b"lean").hexdigest()
    assert build.stale_floors({"lean": lean, "full": lean}, tmp_path) == ["full"]
    assert build.stale_floors({}, tmp_path) == ["lean", "full"]
