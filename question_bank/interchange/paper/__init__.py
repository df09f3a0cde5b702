"""Items as a paper that people read on sheets, for the writers of Word and PDF."""
