"""Device contracts: what an application may ask for, and what a driver promises.

Every contract is a `typing.Protocol`; a driver satisfies it without inheriting. Nothing here does I/O.
"""

from fata.device.block import Block
from fata.device.clock import Clock, MonotonicClock, WallClock
from fata.device.console import Console
from fata.device.entropy import Entropy
from fata.device.kv import KvRo, KvRw, KvTx
from fata.device.net import Net
from fata.device.poller import Poller
from fata.device.stack import Stack

__all__ = [
    "Block",
    "Clock",
    "Console",
    "Entropy",
    "KvRo",
    "KvRw",
    "KvTx",
    "MonotonicClock",
    "Net",
    "Poller",
    "Stack",
    "WallClock",
]
