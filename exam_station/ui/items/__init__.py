"""One widget per interaction: shows an item's question, emits the candidate's answers."""
