"""Network cards."""
