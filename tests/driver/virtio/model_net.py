"""A network card: virtio-net in front of a port of the switch."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from fata.device.net import Capabilities, ReceivedFrame, Segmentation, SentFrame
from fata.driver.net.switch import Switch
from fata.driver.net.vnet_header import GSO_TYPES, HEADER, SEGMENTATIONS
from fata.driver.virtio import net
from tests.driver.virtio.model import Chain, ModelDevice, ModelMemory

HEADER_LENGTH = 12
FLAGS = {"unknown": 0, "partial": 1, "verified": 2}


class ModelNet(ModelDevice):
    """A card with `mac`; what it offloads is what the driver agrees to."""

    kind = net.KIND
    own_features = net.WANTED

    def __init__(
        self,
        memory: ModelMemory,
        interrupt: Callable[[], None],
        switch: Switch,
        mac: bytes,
        *,
        mtu: int = 1500,
        masked: int = 0,
        limit: int = 256,
    ) -> None:
        self.switch = switch
        self.port = switch.port(mac, mtu=mtu)
        self.waiting: deque[ReceivedFrame] = deque()
        self.sent: list[SentFrame] = []
        self.stuck = False  # whether it sends nothing
        super().__init__(memory, interrupt, 2, masked=masked, limit=limit)
        self.config[:6] = mac
        self.config[10:12] = mtu.to_bytes(2, "little")

    def has(self, bit: int) -> bool:
        return self.accepted >> bit & 1 == 1

    def begin(self) -> None:
        """Plug the cable in, with what was agreed on."""
        kinds = {net.HOST_TSO4: Segmentation.TCP4, net.HOST_TSO6: Segmentation.TCP6}
        capabilities = Capabilities(
            self.has(net.GUEST_CSUM),
            self.has(net.CSUM),
            frozenset(kind for bit, kind in kinds.items() if self.has(bit)),
            self.has(net.GUEST_TSO4) and self.has(net.GUEST_TSO6),
        )
        self.switch.remove(self.port)
        self.port = self.switch.port(self.port.mac, mtu=self.port.mtu, capabilities=capabilities)
        self.port.watch(self.arrive, lambda: None)

    def arrive(self) -> None:
        """Take what the switch has brought."""
        self.waiting.extend(self.port.receive())
        self.deliver()

    def notice(self, number: int) -> None:
        if number == net.RECEIVING:
            self.deliver()
        else:
            self.transmit()

    def deliver(self) -> None:
        """Put frames into the driver's buffers while there are any."""
        queue = self.queues[net.RECEIVING]
        if not self.works or not queue.ready:
            return
        while self.waiting and (chain := queue.next()) is not None:
            self._deliver(self.waiting.popleft(), chain)
        self.show(queue)

    def _deliver(self, frame: ReceivedFrame, chain: Chain) -> None:
        queue = self.queues[net.RECEIVING]
        header = HEADER.pack(FLAGS[frame.checksum.value], GSO_TYPES[frame.segmentation], 0, frame.segment_size, 0, 0)
        rest = header + b"\1\0" + frame.data
        used = []
        while True:
            written = chain.write(rest)
            used.append((chain.head, written))
            rest = rest[written:]
            if not rest:
                break
            assert self.has(net.MRG_RXBUF), "a frame does not fit into a buffer"
            following = queue.next()
            if following is None:  # no room: it is lost, as its first buffers would be without what follows
                queue.taken = (queue.taken - len(used)) & 0xFFFF
                return
            if len(used) == 1:
                first = chain
            chain = following
        if len(used) > 1:
            first.writable[0][10:12] = len(used).to_bytes(2, "little")
        for head, written in used:
            queue.put(head, written)

    def transmit(self) -> None:
        """Send what the driver has made available."""
        queue = self.queues[net.SENDING]
        while not self.stuck and (chain := queue.next()) is not None:
            octets = chain.read()
            flags, kind, header_length, size, start, offset = HEADER.unpack_from(octets)
            assert octets[10:12] == bytes(2)
            frame = SentFrame([octets[HEADER_LENGTH:]])
            if flags & 1:
                frame = SentFrame(frame.buffers, start, offset, SEGMENTATIONS[kind], size, header_length)
            self.sent.append(frame)
            self.port.send([frame])
            queue.put(chain.head, 0)
        self.show(queue)
