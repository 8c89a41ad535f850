"""QEMU's command line, as golden text, and the words that describe a machine."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

import pytest

from fata.errors import ConfigError
from fata.target.virtio.machine import (
    Drive,
    Forward,
    Machine,
    enough_memory,
    read_drive,
    read_file,
    read_forward,
    read_memory,
    read_nic,
    read_terminal,
)
from fata.target.virtio.qemu import LINE_MAX, command
from fata.target.virtio.tap import check_tap

Monkey = pytest.MonkeyPatch

IMAGE = Path("/b/hello.elf")

PLAIN = """
qemu-system-x86_64 -machine microvm,rtc=on,auto-kernel-cmdline=off -accel tcg -cpu max -m 128
-nodefaults -no-user-config -display none -no-reboot
-kernel /b/hello.elf -append '--name metal'
-chardev stdio,id=console,signal=off -serial chardev:console
-device isa-debug-exit,iobase=0xf4,iosize=4
-global virtio-mmio.force-legacy=false
-object rng-builtin,id=random -device virtio-rng-device,rng=random
"""

EVERYTHING = """
qemu-system-x86_64 -machine q35 -accel kvm -cpu max -m 64
-nodefaults -no-user-config -display none -no-reboot
-kernel /b/hello.elf -append '' -initrd /proc/self/fd/7
-chardev stdio,id=console,signal=off -serial chardev:console
-device isa-debug-exit,iobase=0xf4,iosize=4
-chardev socket,id=control,fd=5 -mon control,mode=control
-netdev user,id=net0,hostfwd=tcp:127.0.0.1:8080-:80,hostfwd=udp:0.0.0.0:53-:53
-object filter-dump,id=dump0,netdev=net0,file=/p/a,,b.pcap
-device virtio-net-pci,disable-legacy=on,netdev=net0
-netdev tap,id=net1,ifname=tap0,script=no,downscript=no
-device virtio-net-pci,disable-legacy=on,netdev=net1
-drive if=none,id=drive0,format=raw,discard=unmap,file=/d/a,,b.img
-device virtio-blk-pci,disable-legacy=on,drive=drive0
-drive if=none,id=drive1,format=raw,discard=unmap,file=/d/c.img,readonly=on
-device virtio-blk-pci,disable-legacy=on,drive=drive1
-chardev socket,id=terminal0,path=/t/one,server=on,wait=off
-device virtio-serial-pci,disable-legacy=on,id=serial0 -device virtconsole,chardev=terminal0,bus=serial0.0
-object rng-builtin,id=random -device virtio-rng-pci,disable-legacy=on,rng=random
-gdb tcp:127.0.0.1:1234 -S
"""


def test_a_plain_microvm() -> None:
    assert command(Machine(), "tcg", IMAGE, "--name metal") == shlex.split(PLAIN)


def test_a_q35_without_pci_devices_gets_the_quick_firmware() -> None:
    words = command(Machine(model="q35"), "tcg", IMAGE, "")
    assert words[words.index("-bios") + 1] == "qboot.rom"
    for machine in (Machine(), Machine(model="q35", nics=("user",)), Machine(model="q35", drives=(Drive(IMAGE),))):
        assert "-bios" not in command(machine, "tcg", IMAGE, "")


def test_a_q35_with_everything() -> None:
    machine = Machine(
        model="q35",
        memory=64,
        forwards=(Forward("127.0.0.1", 8080, 80, "tcp"), Forward("0.0.0.0", 53, 53, "udp")),
        nics=("user", "tap0"),
        drives=(Drive(Path("/d/a,b.img")), Drive(Path("/d/c.img"), read_only=True)),
        gdb=True,
        terminals=(Path("/t/one"),),
        captures=((0, Path("/p/a,b.pcap")),),
    )
    assert command(machine, "kvm", IMAGE, "", files="/proc/self/fd/7", control=5) == shlex.split(EVERYTHING)


def test_a_published_port_brings_a_network() -> None:
    words = command(Machine(forwards=(read_forward("8080:80"),)), "tcg", IMAGE, "")
    assert "user,id=net0,hostfwd=tcp:127.0.0.1:8080-:80" in words
    assert "virtio-net-device,netdev=net0" in words


def test_devices_stand_in_the_order_in_which_they_were_given() -> None:
    machine = Machine(nics=("user",), drives=(Drive(IMAGE), Drive(IMAGE)), terminals=(Path("/t"),))
    devices = [word for word in command(machine, "tcg", IMAGE, "") if word.startswith("virtio-") and "device" in word]
    assert [word.split("-")[1] for word in devices] == ["net", "blk", "blk", "serial", "rng"]


def test_what_passes_a_tap_is_captured_at_the_tap() -> None:
    machine = Machine(nics=("tap0",), captures=((0, Path("/x.pcap")),))
    with pytest.raises(ConfigError, match="needs a network that QEMU makes") as refused:
        command(machine, "tcg", IMAGE, "")
    assert refused.value.remedy == "Capture at the interface itself: tcpdump -i tap0 -w /x.pcap"


def test_a_published_port_needs_a_network_that_forwards() -> None:
    with pytest.raises(ConfigError, match="--publish needs a network that QEMU makes"):
        command(Machine(forwards=(read_forward("8080:80"),), nics=("tap0",)), "tcg", IMAGE, "")


def test_a_line_that_the_kernel_would_not_take_is_refused_here() -> None:
    command(Machine(), "tcg", IMAGE, "x" * LINE_MAX)
    with pytest.raises(ConfigError, match="--file NAME=PATH"):
        command(Machine(), "tcg", IMAGE, "ü" * (LINE_MAX // 2 + 1))


@pytest.mark.parametrize(("text", "mebibytes"), [("64", 64), ("64M", 64), ("64MiB", 64), ("2G", 2048), ("1gb", 1024)])
def test_memory(text: str, mebibytes: int) -> None:
    assert read_memory(text) == mebibytes


def test_an_image_gets_enough_memory_unless_told() -> None:
    assert enough_memory(10 << 20, 0) == enough_memory(10 << 20, 26) == 128
    assert enough_memory(10 << 20, 100) == 200
    assert enough_memory(100 << 20, 26) == 264


@pytest.mark.parametrize("text", ["", "7", "0", "-64", "64K", "much", "1.5G", "64 M B"])
def test_what_is_no_memory(text: str) -> None:
    with pytest.raises(ConfigError, match="not an amount of memory"):
        read_memory(text)


@pytest.mark.parametrize(
    ("text", "forward"),
    [
        ("8080:80", "tcp:127.0.0.1:8080-:80"),
        ("0.0.0.0:8080:80", "tcp:0.0.0.0:8080-:80"),
        ("5353:53/udp", "udp:127.0.0.1:5353-:53"),
        ("[::1]:8080:80/tcp", "tcp:[::1]:8080-:80"),
    ],
)
def test_forwards(text: str, forward: str) -> None:
    assert str(read_forward(text)) == forward


@pytest.mark.parametrize("text", ["", "80", "0:80", "80:65536", "a:80", "host:1:2", "1:2/icmp", "1:2,x=y", "1:2:3:4"])
def test_what_is_no_forward(text: str) -> None:
    with pytest.raises(ConfigError, match="not ports of the host and the guest"):
        read_forward(text)


def test_networks() -> None:
    assert read_nic("user") == "user"
    assert read_nic("tap=fata0") == "fata0"
    for text in ("", "tap", "tap=", "tap=a,b", "tap=" + "x" * 16, "bridge"):
        with pytest.raises(ConfigError, match="not a network"):
            read_nic(text)


def test_files_have_to_be_there(tmp_path: Path) -> None:
    disk = tmp_path / "disk.img"
    disk.write_bytes(b"data")
    assert read_file(f"key={disk}") == ("key", b"data")
    assert read_file(f"a={disk}=x".removesuffix("=x")) == ("a", b"data")
    for text in ("key=/nowhere", "key", "=x"):
        with pytest.raises(ConfigError):
            read_file(text)


def test_drives(tmp_path: Path) -> None:
    disk = tmp_path / "disk.img"
    disk.write_bytes(bytes(512))
    assert read_drive(str(disk)) == Drive(disk)
    assert read_drive(f"{disk}:ro") == Drive(disk, read_only=True)
    odd = tmp_path / "disk.img:ro"
    odd.write_bytes(bytes(1024))
    assert read_drive(str(odd)) == Drive(odd), "a file of that name is meant"


@pytest.mark.parametrize(("size", "right"), [(0, 512), (1, 512), (513, 1024)])
def test_a_file_that_is_no_disk_is_refused_with_the_remedy(tmp_path: Path, size: int, right: int) -> None:
    disk = tmp_path / "disk.img"
    disk.write_bytes(bytes(size))
    with pytest.raises(ConfigError, match=f"{size} octets are no whole number of sectors") as refused:
        read_drive(str(disk))
    assert refused.value.remedy == f"Lengthen it: truncate -s {right} {disk}"


def test_a_drive_that_is_not_there_or_not_to_be_written_is_refused(tmp_path: Path, monkeypatch: Monkey) -> None:
    with pytest.raises(ConfigError, match="no disk can be there"):
        read_drive(str(tmp_path))
    with pytest.raises(ConfigError, match="no such file"):
        read_drive("/nowhere")
    disk = tmp_path / "disk.img"
    disk.write_bytes(bytes(512))
    monkeypatch.setattr("os.access", lambda _path, how: how == os.R_OK)
    with pytest.raises(ConfigError, match="may not write") as refused:
        read_drive(str(disk))
    assert refused.value.remedy == f"Give it read-only: --drive {disk}:ro"
    assert read_drive(f"{disk}:ro").read_only


def test_terminals(tmp_path: Path) -> None:
    assert read_terminal(str(tmp_path / "one")) == tmp_path / "one"
    (tmp_path / "file").write_text("")
    for text in (str(tmp_path / "file"), "/nowhere/one", str(tmp_path / ("x" * 100))):
        with pytest.raises(ConfigError, match="--terminal"):
            read_terminal(text)


def test_a_tap_that_is_not_there_is_told_with_the_remedy() -> None:
    with pytest.raises(ConfigError, match="--nic tap=nowhere0: there is no such interface") as refused:
        check_tap("nowhere0")
    assert "ip tuntap add nowhere0 mode tap" in refused.value.remedy
