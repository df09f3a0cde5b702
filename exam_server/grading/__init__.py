"""Grading: from the records of an attempt to its marks."""
