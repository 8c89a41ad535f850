"""The commands of `fata irmin`."""
