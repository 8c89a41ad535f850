"""Protocol machines: octets and the time in, lists of packets and events out. They never wait."""
