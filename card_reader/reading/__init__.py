"""Reading one card: what its kind allows, its files, its opening, its proofs, all together."""
