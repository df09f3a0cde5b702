"""Protocols that prove the chip itself is genuine, over a caller's challenge."""
