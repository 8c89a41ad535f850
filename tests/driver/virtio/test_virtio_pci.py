"""virtio over PCI, and how devices are found."""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterator
from functools import partial

import pytest

from fata.device.poller import Interrupt, Software
from fata.driver.net.switch import Switch
from fata.driver.poller.hardware import HardwarePoller
from fata.driver.poller.line import Line
from fata.driver.poller.virtual import VirtualPoller
from fata.driver.virtio import acpi, net, pci, pci_bus
from fata.driver.virtio.discovery import find, read_places
from fata.driver.virtio.net import VirtioNet
from fata.errors import DeviceError, StateError, Unavailable
from tests.conformance.net import FAR_MAC, NetContract, Rig
from tests.driver.virtio.model_net import ModelNet
from tests.driver.virtio.model_pci import LINE, SLOT, ModelPci
from tests.driver.virtio.test_virtio_net import FarPort

MAC = bytes.fromhex("020000000001")


def plug(machine: ModelPci, poller: VirtualPoller, line: Software, switch: Switch) -> VirtioNet:
    """Put a card into the machine, find it, and drive it."""
    machine.device = ModelNet(machine, lambda: poller.wake(line), switch, MAC)
    found = find(machine, "", net.KIND, 0)
    if found is None:
        raise DeviceError("the device has denied itself")
    transport, interrupt = found
    assert interrupt == Interrupt(0)
    return VirtioNet(transport, machine, poller, line)


class TestVirtioNetOverPci(NetContract):
    @pytest.fixture(params=[(), (1,), (7, 3)], ids=["first bus", "behind a bridge", "behind two"])
    def rig(self, request: pytest.FixtureRequest) -> Iterator[Rig]:
        poller, machine = VirtualPoller(), ModelPci(bridges=request.param, function=len(request.param))
        switch = Switch(poller)
        far = FarPort(switch.port(FAR_MAC))
        yield Rig(plug(machine, poller, Software("line"), switch), far, poller)
        assert struct.unpack("<QII", machine.messages) == (pci.MESSAGE_ADDRESS, machine.FIRST_VECTOR, 0)
        poller.close()


class Edges:
    """The machine's events: an edge of the device's line raises what the I/O APIC's entry for it names."""

    DEVICE_EVENTS = ModelPci.DEVICE_EVENTS

    def __init__(self, machine: ModelPci) -> None:
        self._machine = machine
        self._raised = 0

    def edge(self) -> None:
        self._raised |= 1 << self._machine.pins[8 * LINE] - ModelPci.FIRST_VECTOR

    def wait(self, _deadline: int) -> int:
        raised, self._raised = self._raised, 0
        return raised

    def wake(self) -> None:
        """Do nothing: `wait` does not wait."""


class TestVirtioNetAtALine(NetContract):
    @pytest.fixture
    def rig(self) -> Iterator[Rig]:
        """No MSI-X: the line that firmware has given it."""
        machine = ModelPci(msix=False)
        edges = Edges(machine)
        poller = HardwarePoller(edges)
        switch = Switch(poller)
        far = FarPort(switch.port(FAR_MAC))
        machine.device = ModelNet(machine, edges.edge, switch, MAC)
        found = find(machine, "", net.KIND, 0)
        assert found is not None
        yield Rig(VirtioNet(found[0], machine, poller, found[1]), far, poller)
        poller.close()


def test_a_device_that_is_not_there_is_not_found() -> None:
    assert find(ModelPci(), "", net.KIND, 1) is None
    assert find(ModelPci(), "", 2, 0) is None


@pytest.mark.parametrize(("place", "value"), [(pci_bus.INTERRUPT_LINE, 255), (pci_bus.INTERRUPT_PIN, 0)])
def test_a_device_without_any_interrupt_is_told_with_the_remedy(place: int, value: int) -> None:
    machine = ModelPci(msix=False)
    machine.space[place] = value
    with pytest.raises(Unavailable, match="no MSI-X, and firmware has given it no interrupt line"):
        find(machine, "", net.KIND, 0)


def test_bridges_that_lead_in_a_circle_are_looked_at_once() -> None:
    machine = ModelPci(bridges=(1, 2))
    machine.spaces[2, 4, 0] = machine.spaces[0, SLOT, 0]  # to bus 1 again
    machine.spaces[2, 5, 0] = bytearray(machine.spaces[0, SLOT, 0])
    machine.spaces[2, 5, 0][pci_bus.SECONDARY_BUS] = 0
    names = [function.name for function in pci_bus.functions(machine)]
    assert names == [f"PCI device {place}.0" for place in ("00:03", "01:03", "02:03", "02:04", "02:05")]


def test_devices_at_one_line_are_all_served() -> None:
    """The second raises the line again while the first still holds it up: there is no edge for that."""
    poller = HardwarePoller(edges := Edges(machine := ModelPci(msix=False)))
    machine.pins[8 * LINE] = machine.FIRST_VECTOR + 50
    pending = {"a": 1, "b": 1}
    calls: list[str] = []

    def asks(name: str) -> bool:
        if pending[name]:
            pending[name] -= 1
            return True
        return False

    def called(name: str) -> None:
        calls.append(name)
        if len(calls) == 2:
            pending["a"] += 1

    lines = {name: Line(50, partial(asks, name)) for name in pending}
    for name, line in lines.items():
        poller.register(line, partial(called, name))
        with pytest.raises(StateError, match="registered already"):
            poller.register(line, partial(called, name))
    edges.edge()
    assert poller.wait(0.0) == 1
    assert calls == ["a", "b", "a"]
    pending["b"] = 40  # one that holds its line up for long does not keep the program
    edges.edge()
    while poller.wait(0.0):
        assert len(calls) <= 3 + 40
    assert calls[3:] == ["b"] * 40
    poller.unregister(lines["a"])
    pending["a"] = pending["b"] = 1
    edges.edge()
    poller.wait(0.0)
    poller.unregister(lines["b"])
    edges.edge()
    assert (calls[43:], poller.wait(0.0)) == (["b"], 0)


@pytest.mark.parametrize(
    ("place", "octets", "message"),
    [
        (0x41, b"\x40", "no end"),  # the list leads back
        (pci_bus.BARS + 8, bytes(4), "no address"),
        (pci_bus.BARS + 8, b"\x01\xc0\0\0", "not one of memory"),
        (0x40 + 4, b"\x07", "base address register 7"),
        (0x40 + 12, b"\xff" * 4, "4294967295 octets"),
        (0x40 + 8, b"\0\0\0\x70", "are no registers"),
        (0x54 + 3, b"\x09", "parts of its interface are missing"),
    ],
    ids=["loop", "no address", "ports", "bar", "size", "elsewhere", "missing"],
)
def test_an_interface_that_cannot_be_is_told(place: int, octets: bytes, message: str) -> None:
    machine = ModelPci()
    machine.space[place : place + len(octets)] = octets
    with pytest.raises(DeviceError, match=message):
        find(machine, "", net.KIND, 0)


def test_a_hostile_device_on_the_bus_is_an_error_or_works() -> None:
    ends: Counter[str] = Counter()
    for seed in range(300):
        poller = VirtualPoller()
        machine = ModelPci(lies=(0.01, 0.05, 0.3)[seed % 3], seed=seed)
        try:
            plug(machine, poller, Software("line"), Switch(poller))
            ends["works"] += 1
        except DeviceError as error:
            ends[type(error).__name__] += 1
        except AssertionError as error:  # the model's own: a lie has led to what no honest device would be asked for
            if "the driver" in str(error):
                raise
            ends["refused"] += 1
    assert ends["works"] > 10
    assert ends["DeviceError"] > 100


def test_words_of_the_boot_line_are_read() -> None:
    places = list(read_places("4K@0xd0000000:5 512@0xfeb02e00:47:3 1M@4096:1"))
    assert places == [(0xD0000000, 4096, 5), (0xFEB02E00, 512, 47), (4096, 1 << 20, 1)]
    for wrong in ("4K@0xd0000000", "511@0xd0000000:5", "x", "-4K@1:1", "4K@0xzz:1"):
        with pytest.raises(DeviceError, match=r"not SIZE@ADDRESS:LINE"):
            list(read_places(wrong))


class Firmware:
    """Memory with ACPI's tables in it."""

    def __init__(self, *, root: int) -> None:
        self.root = root
        self.octets = bytearray(0x1000)

    def machine(self) -> dict[str, int]:
        return {"rsdp": self.root}

    def map(self, address: int, octets: int, writable: bool, /) -> memoryview:
        assert not writable
        return memoryview(self.octets)[address : address + octets]

    def table(self, address: int, name: bytes, body: bytes) -> None:
        table = (name + (36 + len(body)).to_bytes(4, "little")).ljust(36, b"\0") + body
        self.octets[address : address + len(table)] = table


@pytest.mark.parametrize("wide", [True, False])
def test_firmwares_tables_are_read(wide: bool) -> None:
    firmware = Firmware(root=0x100)
    width = 8 if wide else 4
    firmware.octets[0x100 + 15] = 2 if wide else 0
    struct.pack_into("<IxxxxQ", firmware.octets, 0x100 + 16, 0x200, 0x200)
    firmware.table(0x200, b"XSDT", (0x300).to_bytes(width, "little") + (0x400).to_bytes(width, "little"))
    first, second = struct.pack("<BBxxII", 1, 12, 0xFEC00000, 0), struct.pack("<BBxxII", 1, 12, 0xFEC10000, 24)
    override = struct.pack("<BBBBIH", 2, 10, 0, 9, 20, 0xD)
    firmware.table(0x300, b"APIC", bytes(8) + bytes([0, 8]) + bytes(6) + first + second + override)
    firmware.table(0x400, b"FACP", bytes(4) + (0x600).to_bytes(4, "little") + bytes(100))
    device = acpi.VIRTIO_MMIO + b"\x12" + acpi.FIXED_MEMORY + struct.pack("<BII", 1, 0xFEB02E00, 512)
    firmware.table(0x600, b"DSDT", b"\x10" + device + acpi.INTERRUPT + struct.pack("<BBI", 3, 1, 47) + b"y\0")
    hardware: object = firmware
    assert acpi.io_apics(hardware) == [(0xFEC00000, 0), (0xFEC10000, 24)]  # type: ignore[arg-type]
    assert [acpi.isa_line(hardware, line) for line in (9, 10)] == [20, 10]  # type: ignore[arg-type]
    assert list(acpi.virtio_places(hardware)) == [(0xFEB02E00, 512, 47)]  # type: ignore[arg-type]


def test_a_machine_without_acpi_has_no_tables() -> None:
    hardware: object = Firmware(root=0)
    assert acpi.io_apics(hardware) == []  # type: ignore[arg-type]
