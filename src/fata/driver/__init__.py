"""Drivers: one file per implementation of a contract of `fata.device`."""
