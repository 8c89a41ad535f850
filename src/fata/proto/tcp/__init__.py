"""TCP (RFC 9293): connections, listeners, and a host that has them."""
