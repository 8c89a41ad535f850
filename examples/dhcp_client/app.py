"""Tells what a DHCP server gives."""

from math import inf

from fata.device import Console, LeasedStack


class DhcpClient:
    """Print the lease that DHCP has given.

    Keys:
        wait: seconds to wait for one
    """

    def __init__(self, stack: LeasedStack, console: Console, *, wait: float = 30.0) -> None:
        self.stack = stack
        self.console = console
        self.wait = wait

    async def run(self) -> None:
        """Print it, a line for each thing. Raises `Unavailable` when no server gives one."""
        lease = await self.stack.lease(self.wait)
        for name, value in (
            ("address", f"{lease.address}/{lease.prefix}"),
            ("router", lease.router or "none"),
            ("name servers", " ".join(lease.name_servers) or "none"),
            ("domain", lease.domain or "none"),
            ("server", lease.server),
            ("renews in", seconds(lease.renews)),
            ("rebinds in", seconds(lease.rebinds)),
            ("expires in", seconds(lease.expires)),
        ):
            self.console.write(f"{name}: {value}\n")


def seconds(time: float) -> str:
    """Return a time for people."""
    return "never" if time == inf else f"{time:.0f} s"
