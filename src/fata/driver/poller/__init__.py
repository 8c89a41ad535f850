"""Pollers."""
