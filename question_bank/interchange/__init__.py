"""Foreign formats in and out. Nothing is dropped silently: what is not taken is a Problem."""
