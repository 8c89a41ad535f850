"""Every knob of a TCP, with its unit and where its value comes from."""

from __future__ import annotations

from dataclasses import dataclass

from fata.wire.tcp import HEADER_LENGTH, MAX_OPTIONS

DEFAULT_MSS = 536  # octets, RFC 9293 3.7.1: what a peer that names none can take, over IPv4
DEFAULT_MSS_IPV6 = 1220  # and over IPv6
IPV4_KEY = 12  # octets of a connection's key: two addresses of four, two ports
IPV4_HEADER = 20  # octets
IPV6_HEADER = 40  # octets
LARGEST_PACKET = 65535  # octets, RFC 791 3.1

# Octets that each takes, its place in the tables included (CPython 3.11), for who has little memory.
CONNECTION = 24 << 10  # with a transport and what a server may keep of it, such as 16 KiB of a request's head
FEWEST = 256  # connections, however small the machine
HALF_OPEN = 4096
TIME_WAIT = 512
WRITTEN_FLOOR = 4096  # octets, more than two segments, that each may have written whatever others have
RECEIVED_FLOOR = 4096  # octets of frames, two of them, that each may have received, likewise
DELIVERED = 8 << 10  # octets that a protocol is given at a time, and has to keep if it cannot use them yet


def default_mss(key: bytes) -> int:
    """What a peer that names no MSS can take; its address's family shows in the key's length."""
    return DEFAULT_MSS if len(key) == IPV4_KEY else DEFAULT_MSS_IPV6


@dataclass(frozen=True, slots=True)
class Settings:
    """What a connection is told at its birth."""

    mss: int = 1460  # octets of payload we take in a segment: the interface's MTU less 40, RFC 9293 3.7.1
    min_mss: int = 88  # octets: a smaller offer of the peer's would have us send headers only (Linux: 88)
    max_transmission: int = LARGEST_PACKET - IPV4_HEADER - HEADER_LENGTH - MAX_OPTIONS  # octets of payload
    receive_buffer: int = 1 << 20  # octets of received frames a connection holds before its window closes
    send_limit: int = 1 << 26  # octets that may be queued; more is the caller's bug (it did not heed `queued`)

    nodelay: bool = False  # True: no Nagle, RFC 9293 3.7.4
    delayed_ack: float = 0.04  # seconds; RFC 9293 3.8.6.3 allows less than 0.5
    window_scaling: bool = True  # RFC 7323 2
    timestamps: bool = True  # RFC 7323 3
    sack: bool = True  # RFC 2018
    tail_probes: bool = True  # RFC 8985 7, with SACK: retransmissions on suspicion, where a time-out would come late
    congestion: str = "cubic"  # or "newreno"
    initial_window: int = 10  # segments, RFC 6928

    initial_rto: float = 1.0  # seconds, RFC 6298 2.1
    min_rto: float = 0.2  # seconds; RFC 6298 2.4 says 1, every stack in use has 0.2
    max_rto: float = 60.0  # seconds, RFC 6298 2.5
    syn_timeout: float = 180.0  # seconds, R2 for SYN, RFC 9293 3.8.3: no less
    syn_ack_retries: int = 5  # of a half-open connection: 63 s
    troubled: int = 3  # time-outs in a row that the user and the IP layer hear of: R1, RFC 9293 3.8.3
    user_timeout: float = 300.0  # seconds without progress, RFC 9293 3.9.1.1
    max_persist: float = 60.0  # seconds between two probes of a closed window, RFC 9293 3.8.6.1

    keepalive: bool = False  # RFC 9293 3.8.4: off unless asked for
    keepalive_idle: float = 7200.0  # seconds, RFC 9293 3.8.4: no less by default
    keepalive_interval: float = 75.0  # seconds between probes
    keepalive_probes: int = 9  # unanswered ones that end a connection

    fin_wait_2: float = 60.0  # seconds, once nobody reads any more
    challenge_interval: float = 0.5  # seconds between challenge ACKs of one connection, RFC 5961 7

    @property
    def window_scale(self) -> int:
        """The smallest shift with which the whole buffer fits into 16 bits."""
        if not self.window_scaling:
            return 0
        return max(0, (self.receive_buffer + 1).bit_length() - 16)


@dataclass(frozen=True, slots=True)
class HostSettings:
    """What a host is told at its birth. Every cap has a counter of what it refused."""

    max_connections: int = 16384
    max_half_open: int = 4096  # of all listeners
    max_buffered: int = 1 << 28  # octets of received frames, of all connections
    max_written: int = 1 << 28  # octets written and not acknowledged, of all connections: writers are told to pause
    max_delivered: int = 1 << 18  # octets that a protocol is given at a time, before it can pause (asyncio's: 256 KiB)
    max_time_wait: int = 16384  # records; the oldest make place
    time_wait: float = 60.0  # seconds, 2 MSL; RFC 9293 3.4.2 takes 2 minutes for MSL, every stack in use takes 30 s
    first_port: int = 49152  # RFC 6335 6: the dynamic ports
    last_port: int = 65535
    cookies: bool = True
    cookie_life: float = 64.0  # seconds, a cookie's clock ticks; a cookie is good for this one and the last
    resets_per_second: int = 1000  # to strangers

    @classmethod
    def within(cls, memory: int) -> HostSettings:
        """Return the caps of a machine with so many octets free: seven eighths, or more where connections are few.

        The last eighth is for fragments.
        """
        most = cls()
        connections = min(most.max_connections, max(FEWEST, memory * 3 // 8 // CONNECTION))
        return cls(
            max_connections=connections,
            max_half_open=min(most.max_half_open, max(16, memory // 16 // HALF_OPEN)),
            max_buffered=min(most.max_buffered, memory // 4),
            max_written=min(most.max_written, memory // 8),
            max_delivered=min(most.max_delivered, max(DELIVERED, memory // 8 // connections)),
            max_time_wait=min(most.max_time_wait, max(16, memory // 16 // TIME_WAIT)),
        )
