"""The examination server.

Importing this package alone loads nothing: stations use its contract only.
"""
