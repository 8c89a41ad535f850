from fata.config import Entry, device, key, main, match, register, virtio_console
from fata.device import Console

SERIAL = Entry(
    "serial",
    Console,
    {"virtio": "fata.driver.console.stdio:StdioConsole"},
    "The serial port, in a loop that knows interrupts.",
    loop="fata.runtime.hardware_loop:hardware_loop",
)

line = key("line", str, default="virtio", choices=["virtio", "serial"], doc="which console to be asked on")
register("probe", main("app:Probe", console=match(line, {"virtio": virtio_console(), "serial": device(SERIAL)})))
