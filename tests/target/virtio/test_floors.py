"""The floor that an image carries: with so much memory it works, with less it says what it has and what it needs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fata.target.image import elf
from fata.target.virtio.machine import MODELS
from scripts.runtime import build, floors
from tests.kernel import machine
from tests.programs import RUNTIMES, needs, needs_runtime

pytestmark = needs_runtime()


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
        assert (refused.status, refused.output.splitlines()[0]) == (134, f"fata: have {need - 1} MiB, need {need} MiB")


def test_floors_of_another_runtime_are_told(tmp_path: Path) -> None:
    for profile in ("lean", "full"):
        (tmp_path / profile).mkdir()
        (tmp_path / profile / "fata.elf").write_bytes(profile.encode())
    lean = "8aee81f2bd7ba6e8a8e5a2d3cf7eeee1b2a8d0f2a9ed0c5a4ab2dfc4a1b3ac09"
    assert build.stale_floors({"lean": lean}, tmp_path) == ["lean", "full"]
