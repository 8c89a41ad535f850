"""ICMP of one host: answers to pings and pings of our own, errors that we send and those that come."""

from __future__ import annotations

import asyncio
import errno
import os
from typing import TYPE_CHECKING

from fata.errors import WireError
from fata.proto.icmp import ErrorGate, Reason, report
from fata.wire import ethernet, icmpv4, ipv4

if TYPE_CHECKING:
    from collections.abc import Callable

    from fata.device.net import SentFrame
    from fata.proto.icmp import Report
    from fata.stack.ipv4 import Ipv4
    from fata.stack.tcp import Tcp
    from fata.stack.udp import Udp

NUMBERS = {
    Reason.PORT: errno.ECONNREFUSED,
    Reason.PROTOCOL: errno.ENOPROTOOPT,
    Reason.NETWORK: errno.ENETUNREACH,
    Reason.PROHIBITED: errno.EACCES,
    Reason.TOO_LARGE: errno.EMSGSIZE,
}
"""What a socket's error is for a reason; EHOSTUNREACH for any other."""

MAX_ECHO = ipv4.MAX_LENGTH - ipv4.HEADER_LENGTH - icmpv4.HEADER_LENGTH  # octets of a ping's payload


class Icmp:
    """Handles ICMP's packets."""

    def __init__(
        self, ip: Ipv4, udp: Udp, tcp: Tcp, loop: asyncio.AbstractEventLoop, chance: Callable[[int], bytes]
    ) -> None:
        self.gate = ErrorGate(chance)
        self._ip = ip
        self._udp = udp
        self._tcp = tcp
        self._loop = loop
        self._chance = chance
        self._waiting: dict[tuple[bytes, int, int], asyncio.Future[float]] = {}
        ip.no_handler = self._no_protocol
        ip.expired = self._expired

    # In.

    def receive(self, header: ipv4.Header, data: bytes, start: int, end: int, _verified: bool, now: float) -> None:
        """Take a message. Raises `WireError`."""
        message = icmpv4.parse(data, start, end)
        if isinstance(message, icmpv4.Echo):
            self._echo(header, message, now)
            return
        told = report(message)
        if told is not None and self._ip.is_own(told.key[4:8]):
            self._tell(told, now)

    def _echo(self, header: ipv4.Header, message: icmpv4.Echo, now: float) -> None:
        if not message.request:
            waiting = self._waiting.pop((header.source, message.identifier, message.sequence), None)
            if waiting is not None and not waiting.done():
                waiting.set_result(now)
        elif self._ip.is_own(header.destination):  # RFC 1122 3.2.2.6 lets broadcasts be ignored
            reply = message._replace(request=False)
            try:
                self._send(header.source, icmpv4.serialize(reply), now, source=header.destination)
            except OSError:
                pass  # no way back

    def _tell(self, told: Report, now: float) -> None:
        if told.reason is Reason.TOO_LARGE:
            self._shrink(told, now)
        elif told.protocol == ipv4.TCP:
            self._tcp.unreachable(told.key, told.soft, told.seq or 0, now)
        elif told.protocol == ipv4.UDP:
            number = NUMBERS.get(told.reason, errno.EHOSTUNREACH)
            error = (ConnectionRefusedError if number == errno.ECONNREFUSED else OSError)(number, os.strerror(number))
            local, remote = int.from_bytes(told.key[10:12], "big"), int.from_bytes(told.key[8:10], "big")
            self._udp.fail(local, told.key[:4], remote, error)

    def _shrink(self, told: Report, now: float) -> None:
        """Take a router's word that packets are too large: believed if it quotes a segment of TCP's under way.

        Nothing else leaves here with "don't fragment".
        """
        if told.protocol != ipv4.TCP or not self._tcp.is_under_way(told.key, told.seq or 0):
            return
        mtu = self._ip.path_mtus.receive(told.key[:4], told.mtu, told.length, now)
        if mtu is not None:
            self._tcp.set_path_mtu(told.key, mtu, told.seq or 0, now)

    # Out.

    def port_unreachable(self, data: bytes, now: float) -> None:
        """Tell the sender of a frame, with a whole IPv4 packet without options, that nobody has the port."""
        header = ipv4.parse(data, ethernet.HEADER_LENGTH, len(data))
        start = ethernet.HEADER_LENGTH + ipv4.HEADER_LENGTH
        self.unreachable(header, data, start, len(data), icmpv4.PORT_UNREACHABLE, now)

    def unreachable(self, header: ipv4.Header, data: bytes, start: int, end: int, code: int, now: float) -> None:
        """Tell the sender of a packet, whose payload is `data[start:end]`, that it did not arrive."""
        quoted = icmpv4.Quoted(header, bytes(data[start : min(end, start + icmpv4.MAX_QUOTE)]))
        if self.gate.permit(header, quoted.data, now):
            self._send_error(header, icmpv4.Unreachable(code, quoted), now)

    def _no_protocol(self, header: ipv4.Header, data: bytes, start: int, end: int, now: float) -> None:
        if self._ip.is_own(header.destination):
            self.unreachable(header, data, start, end, icmpv4.PROTOCOL_UNREACHABLE, now)

    def _expired(self, expired: list[icmpv4.Quoted], now: float) -> None:
        for quoted in expired:
            if self._ip.is_own(quoted.header.destination) and self.gate.permit(quoted.header, quoted.data, now):
                message = icmpv4.TimeExceeded(icmpv4.REASSEMBLY_TIME_EXCEEDED, quoted)
                self._send_error(quoted.header, message, now)

    def _send_error(self, about: ipv4.Header, message: icmpv4.Message, now: float) -> None:
        try:
            self._send(about.source, icmpv4.serialize(message), now, source=about.destination)
        except OSError:
            pass  # no way back

    def _send(self, destination: bytes, octets: bytes, now: float, source: bytes | None = None) -> None:
        self._ip.send(destination, ipv4.ICMP, (octets,), now, source=source)

    def undeliverable(self, frame: SentFrame, now: float) -> None:
        """Tell who sent a frame that no neighbor answers for it, as a router would."""
        data = b"".join(frame.buffers)
        try:
            header = ipv4.parse_quoted(data, ethernet.HEADER_LENGTH, len(data))
            start = ethernet.HEADER_LENGTH + header.header_length
            told = report(icmpv4.Unreachable(icmpv4.HOST_UNREACHABLE, icmpv4.Quoted(header, data[start : start + 8])))
        except WireError:
            return
        if told is not None:
            self._tell(told, now)

    async def ping(self, destination: bytes, size: int, wait: float) -> float:
        """Send an echo request with `size` octets of payload; return the seconds until its reply.

        Raises `TimeoutError` after `wait` seconds, `OSError` without a way, and for a size that no packet has.
        """
        if not 0 <= size <= MAX_ECHO:
            raise OSError(errno.EMSGSIZE, os.strerror(errno.EMSGSIZE))
        number = int.from_bytes(self._chance(4), "big")
        identifier, sequence = number >> 16, number & 0xFFFF
        key = (destination, identifier, sequence)
        reply: asyncio.Future[float] = self._loop.create_future()
        self._waiting[key] = reply
        sent = self._loop.time()
        try:
            payload = bytes(range(256)) * (size // 256 + 1)
            message = icmpv4.Echo(True, identifier, sequence, payload[:size])
            self._send(destination, icmpv4.serialize(message), sent)
            async with asyncio.timeout(wait):
                return await reply - sent
        finally:
            self._waiting.pop(key, None)

    def lose(self, error: Exception) -> None:
        """Fail the pings that wait: the network has gone."""
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(error)

    def close(self) -> None:
        """End the pings that wait."""
        for waiting in self._waiting.values():
            waiting.cancel()
