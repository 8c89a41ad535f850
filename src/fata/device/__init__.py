"""Device contracts: what an application may ask for, and what a driver promises.

Every contract is a `typing.Protocol`; a driver satisfies it without inheriting. Nothing here does I/O. A contract is
loaded when it is first asked for, so that a program pays only for those that it names.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fata.device.block import Block
    from fata.device.boot_files import BootFiles
    from fata.device.clock import Clock, MonotonicClock, WallClock
    from fata.device.console import Console
    from fata.device.entropy import Entropy
    from fata.device.kv import Kind, KvRo, KvRw, KvTx
    from fata.device.lease import Lease, LeasedStack
    from fata.device.net import Net
    from fata.device.poller import Poller
    from fata.device.stack import Icmp, Stack

__all__ = [
    "Block",
    "BootFiles",
    "Clock",
    "Console",
    "Entropy",
    "Icmp",
    "Kind",
    "KvRo",
    "KvRw",
    "KvTx",
    "Lease",
    "LeasedStack",
    "MonotonicClock",
    "Net",
    "Poller",
    "Stack",
    "WallClock",
]


def __getattr__(name: str) -> object:
    """Load the contract `name` (PEP 562)."""
    match name:
        case "BootFiles":
            from fata.device import boot_files

            return boot_files.BootFiles
        case "Clock" | "MonotonicClock" | "WallClock":
            from fata.device import clock

            return getattr(clock, name)
        case "Console":
            from fata.device import console

            return console.Console
        case "Entropy":
            from fata.device import entropy

            return entropy.Entropy
        case "Lease" | "LeasedStack":
            from fata.device import lease

            return getattr(lease, name)
        case "Net":
            from fata.device import net

            return net.Net
        case "Poller":
            from fata.device import poller

            return poller.Poller
        case "Icmp" | "Stack":
            from fata.device import stack

            return getattr(stack, name)
        case _:
            return _of_storage(name)


def _of_storage(name: str) -> object:
    match name:
        case "Block":
            from fata.device import block

            return block.Block
        case "Kind" | "KvRo" | "KvRw" | "KvTx":
            from fata.device import kv

            return getattr(kv, name)
        case _:
            raise AttributeError(f"fata.device has no {name}")
