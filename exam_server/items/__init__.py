"""Items of the bank: versions sealed at rest, answer keys sealed apart."""
