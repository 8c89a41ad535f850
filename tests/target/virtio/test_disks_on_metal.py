"""virtio-blk in QEMU: with every feature off in turn, with errors that QEMU injects, under the contract of Block."""

from __future__ import annotations

from binascii import a2b_base64, b2a_base64
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fata.device.block import Block, Buffer
from fata.driver.virtio import block
from fata.errors import DeviceError, StateError
from fata.sim.pytest_plugin import Drive
from tests.conformance import block_test
from tests.target.virtio.metal import MACHINES, QEMU_TEST, Metal, Refused, build, device, probing

pytestmark = [*QEMU_TEST, pytest.mark.virtual_time]

SECTORS = block_test.SECTORS
EVENT_BIT = 29
OFF = [
    "event_idx=off",
    "indirect_desc=off",
    "config-wce=off",
    "write-cache=off",
    "discard=off",
    "write-zeroes=off",
    "seg-max-adjust=off",
    "logical_block_size=4096,physical_block_size=4096",
    "queue-size=4",
    "event_idx=off,indirect_desc=off,config-wce=off,write-cache=off,discard=off,write-zeroes=off,queue-size=8",
]
MASKED = [block.SIZE_MAX, block.BLK_SIZE, block.FLUSH, block.DISCARD, EVENT_BIT]  # by the driver itself


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("probe"))


def disk_of(model: str, path: Path, octets: int, options: str = "", *, drive: str = "") -> tuple[str, ...]:
    """Make a disk image; return the words that add it to a machine. `options` are the device's, `drive` the image's."""
    path.write_bytes(bytes(octets))
    words = f"if=none,id={path.stem},format=raw,discard=unmap,file={path}{drive and ','}{drive}"
    chosen = [f"drive={path.stem}", *([options] if options else [])]
    return ("-drive", words, *device(model, "blk", *chosen))


@MACHINES
def test_a_disk_works_with_every_feature_off_in_turn(model: str, image: Path, tmp_path: Path) -> None:
    """Each disk has another number of sectors, since QEMU's order is its own."""
    plain, size = disk_of(model, tmp_path / "plain.img", 24 * 512), 32
    features = {f"d{number}.img": options for number, options in enumerate(OFF)}
    masked = [
        word for name, options in features.items() for word in disk_of(model, tmp_path / name, size << 12, options)
    ]
    with probing(model, image, tmp_path, *plain, *masked) as metal:
        opened = [metal.call("open_disk", number=number) for number in range(len(OFF) + 1)]
        for bit in (block.BLK_SIZE, block.FLUSH, block.DISCARD, EVENT_BIT):
            assert len({each["features"] >> bit & 1 for each in opened}) + (bit == block.BLK_SIZE) > 1, bit
        results = [metal.call("exercise", disk=each["disk"]) for each in opened]
        assert [each["wrong"] for each in results] == [0] * len(opened)
        assert max(each["under_way"] for each in results) >= block.SLOTS - 1  # counted when one has come back
        (small,) = (number for number, each in enumerate(opened) if each["sectors"] == 24)
        for bit in MASKED:
            metal.call("close_disk", disk=opened[small]["disk"])
            opened[small] = metal.call("open_disk", number=small, masked=1 << bit)
            assert not opened[small]["features"] >> bit & 1
            assert metal.call("exercise", disk=opened[small]["disk"])["wrong"] == 0
        metal.end()


def broken(model: str, path: Path, kind: str, sector: int | None = None) -> tuple[str, ...]:
    """Make a disk on which one kind of request fails."""
    path.write_bytes(bytes(SECTORS * 512))
    error = f"file.inject-error.0.event=none,file.inject-error.0.iotype={kind},file.inject-error.0.errno=5"
    where = "" if sector is None else f",file.inject-error.0.sector={sector}"
    node = f"driver=raw,node-name={path.stem},discard=unmap,file.driver=blkdebug"
    file = f"file.image.driver=file,file.image.filename={path}"
    options = (f"drive={path.stem}", "rerror=report", "werror=report")
    return ("-blockdev", f"{node},{file},{error}{where}", *device(model, "blk", *options))


@MACHINES
def test_an_error_of_the_medium_is_a_device_error_and_the_disk_stays(model: str, image: Path, tmp_path: Path) -> None:
    data = b2a_base64(bytes(512)).decode()
    words: dict[str, dict[str, Any]] = {"read": {"count": 1}, "write": {"data": data}, "discard": {"count": 1}}
    kinds = {"read": 5, "write": 5, "flush": None, "discard": 5}
    disks = [word for kind, sector in kinds.items() for word in broken(model, tmp_path / f"{kind}.img", kind, sector)]
    with probing(model, image, tmp_path, *disks) as metal:
        for number, (kind, sector) in enumerate(kinds.items()):
            handle = metal.call("open_disk", number=number)["disk"]
            place = {} if sector is None else {"sector": sector}
            for _ in range(2):
                metal.call("write", disk=handle, sector=1, data=data)  # or there is nothing to flush
                with pytest.raises(Refused, match="an input or output error") as refused:
                    metal.call(kind, disk=handle, **place, **words.get(kind, {}))
                assert refused.value.name == "DeviceError"
            metal.call("write", disk=handle, sector=0, data=b2a_base64(b"a" * 512).decode())
            assert a2b_base64(metal.call("read", disk=handle, sector=0, count=1)) == b"a" * 512
        metal.end()


# The contract of Block, each of its tests, over a real disk of a real machine.


class DistantBlock:
    """A disk of the machine, driven from here: the driver is there."""

    def __init__(self, metal: Metal, number: int) -> None:
        self._metal = metal
        opened = metal.call("open_disk", number=number)
        self._disk = opened["disk"]
        self.sectors: int = opened["sectors"]
        self.sector_size: int = opened["sector_size"]
        self.read_only: bool = opened["read_only"]

    def _call(self, name: str, **words: Any) -> Any:
        try:
            return self._metal.call(name, disk=self._disk, **words)
        except Refused as refused:
            raise {"StateError": StateError, "DeviceError": DeviceError}[refused.name](str(refused)) from None

    async def read(self, sector: int, count: int) -> bytes:
        return a2b_base64(self._call("read", sector=sector, count=count))

    async def write(self, sector: int, data: Buffer) -> None:
        octets = memoryview(data).tobytes()
        self._call("write", sector=sector, data=b2a_base64(octets, newline=False).decode())

    async def flush(self) -> None:
        self._call("flush")

    async def discard(self, sector: int, count: int) -> None:
        self._call("discard", sector=sector, count=count)

    async def close(self) -> None:
        self._call("close_disk")


SHAPES = [(SECTORS, 512, False), (SECTORS, 512, True), (0, 512, False)]
SHAPES += [(3, size, False) for size in (512, 1024, 2048, 4096)]


@pytest.fixture(scope="module", params=["microvm", "q35"])
def metal(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, image: Path) -> Iterator[Metal]:
    """A machine with a disk of every shape that the contract's tests ask for."""
    folder, model = tmp_path_factory.mktemp("disks"), request.param
    words: list[str] = []
    for sectors, size, read_only in SHAPES:
        name = folder / f"d{sectors}x{size}{'r' * read_only}.img"
        shape = f"logical_block_size={size},physical_block_size={size}"
        words += disk_of(model, name, sectors * size, shape, drive="readonly=on" if read_only else "")
    with probing(model, image, folder, *words) as running:
        yield running
        running.end()


@pytest.fixture(scope="module")
def numbers(metal: Metal) -> dict[tuple[int, int, bool], int]:
    """The machine's number of each shape."""
    found = {}
    for number in range(len(SHAPES)):
        each = metal.call("open_disk", number=number)
        found[each["sectors"], each["sector_size"], each["read_only"]] = number
        metal.call("close_disk", disk=each["disk"])
    assert set(found) == set(SHAPES)
    return found


Numbers = dict[tuple[int, int, bool], int]


@pytest.fixture
def open_disk(metal: Metal, numbers: Numbers, drive: Drive[Any]) -> Iterator[Callable[..., Block]]:
    """Return a function that opens a disk of zeros."""
    opened: list[Block] = []

    def open_it(sectors: int = SECTORS, sector_size: int = 512, read_only: bool = False) -> Block:
        opened.append(distant := DistantBlock(metal, numbers[sectors, sector_size, read_only]))
        if not read_only:
            drive(distant.write(0, bytes(sectors * sector_size)))
        return distant

    yield open_it
    for each in opened:
        drive(each.close())


@pytest.fixture
def disk(open_disk: Callable[..., Block]) -> Block:
    """A writable disk of `SECTORS` sectors."""
    return open_disk()


# pytest runs these here too, with the disks above.
globals().update({name: each for name, each in vars(block_test).items() if name.startswith("test_")})


@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(block_test.operations, max_size=20))
def test_a_disk_is_an_array_of_sectors(disk: Block, drive: Drive[Any], steps: list[tuple[str, int, int]]) -> None:
    drive(disk.write(0, bytes(SECTORS * 512)))
    drive(block_test.compare_with_an_array(disk, steps))
