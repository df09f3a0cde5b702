"""Stations: enrolment, authentication, assignment to seats."""
