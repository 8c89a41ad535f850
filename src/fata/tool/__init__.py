"""The `fata` command."""
