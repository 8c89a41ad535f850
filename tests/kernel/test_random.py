"""The kernel's generator: ChaCha20's block as RFC 8439 has it, and what stirring does; compiled for this machine."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.programs import needs

KERNEL = Path(__file__).parents[2] / "kernel"
PROGRAM = r"""
#include <stdio.h>
#include "random.c"

static void show(const u8 *from, int size) {
    for (int i = 0; i < size; i++)
        printf("%02x", from[i]);
    printf("\n");
}

int main(void) {
    u32 secret[8], place[4] = {1, 0x09000000, 0x4a000000, 0}, out[16];
    for (int i = 0; i < 32; i++)
        ((u8 *)secret)[i] = (u8)i;
    chacha(secret, place, out);
    show((u8 *)out, 64);
    u8 octets[40] = {0};
    random_stir((const u8 *)"some octets of a hypervisor, more than a key has", 48);
    add_stirred(octets, 40);
    show(octets, 40);
    random_stir((const u8 *)"x", 1);
    memset(octets, 0, 40);
    add_stirred(octets, 40);
    show(octets, 40);
    return 0;
}
"""
RFC_8439_2_3_2 = (
    "10f1e7e4d13b5915500fdd1fa32071c4c7d1f4c733c068030422aa9ac3d46c4e"
    "d2826446079faa0914c2d705d98b02a2b5129cd1de164eb9cbd083e8a2503c4e"
)


@pytest.mark.slow
@needs("gcc")
def test_the_generator_is_chacha20(tmp_path: Path) -> None:
    (tmp_path / "main.c").write_text(PROGRAM)
    includes = [f"-I{KERNEL}", f"-I{KERNEL / 'include'}"]
    subprocess.run(["gcc", "-w", *includes, "-o", tmp_path / "main", tmp_path / "main.c"], check=True)
    block, first, second = subprocess.run(
        [tmp_path / "main"], check=True, capture_output=True, text=True
    ).stdout.splitlines()
    assert block == RFC_8439_2_3_2
    assert len({first, second, "00" * 40}) == 3
    assert first[:16] != first[64:], "a block is used twice"
