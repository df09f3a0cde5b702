"""What answers tell of items."""
