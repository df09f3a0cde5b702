"""Candidates, their registrations and the roster."""
