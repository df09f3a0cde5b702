"""The server's trust: which issuers vouch for cards, decided by two officers, never by one."""
