"""What tests, benchmarks and fault runs start: real databases, message buses and servers.

Everything here runs on this machine alone, in folders of its own, and ends only what it started.
"""
