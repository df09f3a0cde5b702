"""Hostile bytes for every parser and every conversation of `card_reader` (docs/fuzzing.md)."""
