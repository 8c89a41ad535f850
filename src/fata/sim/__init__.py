"""Deterministic simulation: the pytest plugin and the interleaving explorer."""
