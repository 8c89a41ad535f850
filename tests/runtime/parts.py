"""Devices that write down what happens to them."""

import asyncio


class Part:
    """A device that writes its life into a log."""

    def __init__(self, name: str, log: list[str], failure: BaseException | None = None) -> None:
        self.name = name
        self.log = log
        self.failure = failure
        log.append(f"open {name}")

    def close(self) -> None:
        self.log.append(f"close {self.name}")
        if self.failure is not None:
            raise self.failure


class SlowPart(Part):
    """One whose close takes its time where there is a loop to take it from."""

    async def close(self) -> None:  # type: ignore[override]
        await pause()
        super().close()


async def pause(turns: int = 1) -> None:
    """Let others run, where there is a loop."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    for _ in range(turns):
        await asyncio.sleep(0)
