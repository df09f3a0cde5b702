"""Access protocols that open a chip: each a generator that yields commands."""
