"""The machine's random octets: those of the processor, and those of its hypervisor, should it offer any."""

from __future__ import annotations

import time

from fata.driver.entropy.os import OsEntropy
from fata.driver.virtio import entropy
from fata.driver.virtio.entropy import VirtioRng
from fata.errors import DeviceError
from fata.runtime.hardware import device, hardware

POOL = "/dev/urandom"  # what is written here is stirred in, as on Linux
SEED = 64  # octets


async def open_entropy() -> OsEntropy:
    """Return the machine's source, for which the hypervisor was asked too."""
    stir()
    return OsEntropy()


def stir() -> None:
    """Stir octets of a virtio-rng into what everybody in the guest draws from: keys of TLS as well.

    One that fails is told in the log, and is missed by nobody: the processor's own octets are there.
    """
    try:
        found = device(entropy.KIND, 0)
        if found is None:
            return
        rng = VirtioRng(found[0], hardware(), time.sleep)
        octets = rng.octets(SEED)
        rng.close()
    except DeviceError as error:
        import logging  # not at the top: few programs that only draw numbers use it

        logging.getLogger("entropy").warning("%s", error)
        return
    with open(POOL, "wb", buffering=0) as pool:
        pool.write(octets)
