"""What station and server say to each other: shapes, canonical bytes, chains and signatures.

Pure: no network, no files, no database, no clock of its own. Everything here is imported by both
sides, so neither can drift from the other.
"""
