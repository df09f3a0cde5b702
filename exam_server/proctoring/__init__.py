"""Watching rooms live: views over what the other features keep, and the hub of live events."""
