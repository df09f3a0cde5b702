"""Attempts: leases, records, time and receipts."""
