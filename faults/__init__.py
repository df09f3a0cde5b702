"""The fault harness: kills, cuts, tears, fills, delays, and then looks whether anything was lost.

``make faults N=…`` (docs/faults.md).
"""
