"""Check-in: challenge, evidence verified again, face record, officers' decisions."""
