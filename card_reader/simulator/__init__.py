"""A chip that answers APDUs, its issuer, and a link into a virtual PC/SC reader.

Written from the card's side of ICAO 9303-10 and 9303-11: it shares no protocol code with the
reader, so that one cannot hide a mistake of the other.
"""
