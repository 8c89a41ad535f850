"""Simulation: deterministic schedules, suspending devices and the pytest plugin."""
