"""Sources of random octets: the machine, and a seed."""
