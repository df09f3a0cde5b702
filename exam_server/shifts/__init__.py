"""Shifts (ca thi) and placements: who sits where, when, with which form."""
