"""Network formats: octets to values and back. A module each, named by what is on the wire."""
