"""Proves a chip: reads an eMRTD identity card and verifies what it holds."""
