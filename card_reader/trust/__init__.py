"""Certificates, anchors, revocation and passive authentication (ICAO 9303-12)."""
