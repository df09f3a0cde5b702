"""Robots: candidates without screens, for rehearsals, load and faults.

Each is the real kiosk below its window: flow, work, client, vault, desk, journal and uploader, with
a simulated person before it. Test servers on this machine only.
"""
