"""DHCP (RFC 2131): the client that gets a host its address."""
