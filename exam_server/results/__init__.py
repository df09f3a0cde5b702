"""Results and result slips."""
