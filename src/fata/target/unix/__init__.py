"""unix: the program as a process of the host."""
