"""Simulation: networks in virtual time, every schedule of some tasks, every power cut, and the pytest plugin."""
