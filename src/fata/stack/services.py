"""Ports by the names of their services, as IANA's registry and every system's list of services have them.

The same few on every target: a machine of its own has no file to read, and an application should not find out there.
"""

from __future__ import annotations

import socket

TCP, UDP = frozenset({socket.IPPROTO_TCP}), frozenset({socket.IPPROTO_UDP})
BOTH = TCP | UDP

SERVICES: dict[str, tuple[int, frozenset[int]]] = {
    "echo": (7, BOTH),
    "discard": (9, BOTH),
    "daytime": (13, BOTH),
    "ftp": (21, TCP),
    "ssh": (22, TCP),
    "telnet": (23, TCP),
    "smtp": (25, TCP),
    "time": (37, BOTH),
    "whois": (43, TCP),
    "domain": (53, BOTH),
    "tftp": (69, UDP),
    "finger": (79, TCP),
    "http": (80, TCP),
    "kerberos": (88, BOTH),
    "pop3": (110, TCP),
    "nntp": (119, TCP),
    "ntp": (123, UDP),
    "imap2": (143, TCP),
    "snmp": (161, BOTH),
    "ldap": (389, BOTH),
    "https": (443, BOTH),
    "submissions": (465, TCP),
    "syslog": (514, UDP),
    "submission": (587, TCP),
    "ldaps": (636, BOTH),
    "domain-s": (853, BOTH),
    "rsync": (873, TCP),
    "imaps": (993, TCP),
    "pop3s": (995, TCP),
    "nfs": (2049, BOTH),
    "mysql": (3306, TCP),
    "sip": (5060, BOTH),
    "xmpp-client": (5222, TCP),
    "xmpp-server": (5269, TCP),
    "postgresql": (5432, TCP),
    "amqps": (5671, TCP),
    "amqp": (5672, TCP),
    "redis": (6379, TCP),
    "http-alt": (8080, TCP),
}
"""The port of each, and the transports it is spoken over."""

ALIASES = {
    "mail": "smtp",
    "www": "http",
    "pop-3": "pop3",
    "imap": "imap2",
    "smtps": "submissions",
    "postgres": "postgresql",
    "webcache": "http-alt",
}
