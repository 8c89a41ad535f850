"""The far end of a Linux interface: a raw socket that sees frames as they are on the wire."""

from __future__ import annotations

import socket

from tests.conformance.net import EXPERIMENT, FAR_MAC

ETH_P_ALL = 0x0003  # linux/if_ether.h
SOL_PACKET, PACKET_IGNORE_OUTGOING = 263, 23  # linux/socket.h, linux/if_packet.h
SO_RCVBUFFORCE = 33  # asm-generic/socket.h
BUFFER = 8 << 20  # octets


class RawSocket:
    """A Far over AF_PACKET. Make it inside the interface's namespace."""

    def __init__(self, interface: str, *ether_types: bytes) -> None:
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        self._socket.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
        self._socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, BUFFER)
        self._socket.bind((interface, ETH_P_ALL))
        self._socket.setblocking(False)
        self._ether_types = ether_types or (EXPERIMENT,)

    def transmit(self, frame: bytes) -> None:
        self._socket.send(frame)

    def collect(self) -> list[bytes]:
        frames = []
        try:
            while True:
                frame = self._socket.recv(70000)
                if frame[:6] == FAR_MAC and frame[12:14] in self._ether_types:  # not what the kernel says by itself
                    frames.append(frame)
        except BlockingIOError:
            return frames

    def close(self) -> None:
        self._socket.close()
