"""Recorded conversations with cards: the file, making one, running the reader against one."""
