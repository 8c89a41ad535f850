"""What drivers use of the bare machine, and ranges of registers in it. The kernel's `_hw` module is a `Hardware`."""

from __future__ import annotations

from typing import Protocol

from fata.driver.virtio.contract import Memory
from fata.errors import DeviceError


class Hardware(Memory, Protocol):
    """The machine (docs/spec/boot.md, "For drivers")."""

    @property
    def FIRST_VECTOR(self) -> int: ...  # noqa: N802  # as the kernel names it

    @property
    def DEVICE_EVENTS(self) -> int: ...  # noqa: N802

    def map(self, address: int, octets: int, writable: bool = True, /) -> memoryview: ...

    def load(self, view: memoryview, offset: int, width: int, /) -> int: ...

    def store(self, view: memoryview, offset: int, width: int, value: int, /) -> None: ...

    def port_in(self, port: int, width: int, /) -> int: ...

    def port_out(self, port: int, width: int, value: int, /) -> None: ...

    def machine(self) -> dict[str, int]: ...


class Window:
    """Registers at `address`, `octets` of them. What lies outside is a `DeviceError`: the device has told the size."""

    def __init__(self, hardware: Hardware, name: str, address: int, octets: int) -> None:
        self._hardware = hardware
        self._name = name
        self._address = address
        self._octets = octets
        try:
            self._view = hardware.map(address, octets)
        except OSError as error:
            raise DeviceError(f"{name}: {octets} octets at {address:#x} are no registers: {error.strerror}") from error

    def load(self, offset: int, width: int) -> int:
        self._check(offset, width)
        return self._hardware.load(self._view, offset, width)

    def store(self, offset: int, width: int, value: int) -> None:
        self._check(offset, width)
        self._hardware.store(self._view, offset, width, value)

    def _check(self, offset: int, width: int) -> None:
        if not 0 <= offset <= self._octets - width or (self._address + offset) % width:
            place = f"{self._octets} octets at {self._address:#x}"
            raise DeviceError(f"{self._name}: there is no register of {width} octets, {offset:#x} into {place}")
