"""DNS (RFC 1034, RFC 1035): the stub resolver that asks servers for a host's names."""
