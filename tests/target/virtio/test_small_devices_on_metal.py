"""virtio-rng and virtio-console in QEMU, on microvm and q35; devices that lie behind bridges and have no MSI-X."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.target.virtio.metal import MACHINES, PROBE, QEMU_TEST, build, device, probing, running

pytestmark = QEMU_TEST


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("probe"))


@MACHINES
def test_octets_of_the_hypervisor_and_a_console(model: str, image: Path, tmp_path: Path) -> None:
    source = tmp_path / "octets"
    source.write_bytes(octets := bytes(range(256)) * 16)
    rng = ("-object", f"rng-random,id=rng0,filename={source}", *device(model, "rng", "rng=rng0"))
    with probing(model, image, tmp_path, *rng) as metal:
        assert metal.call("devices") == {"net": 0, "block": 0, "console": 1, "rng": 1}
        drawn = metal.call("random", octets=100)
        assert bytes.fromhex(drawn["hypervisor"]) in octets
        assert bytes.fromhex(drawn["machine"]) not in octets
        metal.end()


def test_a_terminal_of_a_machine_is_a_socket_of_the_host(tmp_path: Path) -> None:
    """`fata run --terminal`: the serial port goes on being standard input and output."""
    path = tmp_path / "terminal"
    fata = [sys.executable, "-m", "fata.tool.main", "run", str(PROBE), "-t", "virtio", "--accel", "tcg"]
    process = subprocess.Popen([*fata, f"--terminal={path}"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    with running(process, path) as metal:
        assert metal.call("devices") == {"net": 0, "block": 0, "console": 1, "rng": 1}
        drawn = metal.call("random", octets=32)
        assert drawn["machine"] != drawn["hypervisor"] != metal.call("random", octets=32)["hypervisor"]
        metal.end(0)


def disk(path: Path, name: str, size: int) -> tuple[str, ...]:
    """Make a disk image of so many sectors; return the words that give it a name."""
    path.write_bytes(bytes(512 * size))
    return "-drive", f"if=none,id={name},format=raw,file={path}"


def test_devices_behind_bridges_and_at_interrupt_lines(image: Path, tmp_path: Path) -> None:
    """Each disk is told from the others by its size: all are found, and all interrupt."""
    sizes = {"behind_port": 8, "behind_bridge": 9, "at_line": 10, "at_line_behind": 11, "function": 12}
    names = [word for name, size in sizes.items() for word in disk(tmp_path / name, name, size)]
    bridges = (
        *("-device", "pcie-root-port,id=rp0,chassis=1,slot=1,addr=5.0,multifunction=on"),
        *("-device", "pcie-root-port,id=rp1,chassis=2,slot=2,addr=5.1"),
        *("-device", "pcie-pci-bridge,id=bridge,bus=rp1"),
        *("-device", "pci-bridge,id=deep,bus=bridge,chassis_nr=3,addr=4"),
    )
    places = (
        *device("q35", "blk", "drive=behind_port,bus=rp0"),
        *device("q35", "blk", "drive=behind_bridge,bus=deep,addr=3"),
        *device("q35", "blk", "drive=at_line,vectors=0,addr=6.0,multifunction=on"),
        *device("q35", "blk", "drive=function,vectors=0,addr=6.4"),
        *device("q35", "blk", "drive=at_line_behind,vectors=0,bus=deep,addr=5"),
        *("-netdev", "user,id=net0", *device("q35", "net", "netdev=net0,vectors=0,addr=7")),
        *("-netdev", "user,id=net1", *device("q35", "net", "netdev=net1,vectors=0,addr=11")),
    )
    with probing("q35", image, tmp_path, *names, *bridges, *places) as metal:
        opened = [metal.call("open_disk", number=number) for number in range(5)]
        assert sorted(each["sectors"] for each in opened) == sorted(sizes.values())
        events = {each["sectors"]: each["event"] for each in opened}
        assert len({events[size] for size in (8, 9)}) == 2, "messages have an event each"
        assert len({events[size] for size in (10, 11, 12)}) < 3, "no two devices share a line"
        for _ in range(3):
            for each in opened:
                assert metal.call("exercise", disk=each["disk"])["wrong"] == 0
        for number in (0, 1):
            metal.call("open_card", number=number, ipv4="10.0.2.15/24")
        assert metal.call("exercise_all", times=20) == 0
        metal.end()
