"""Sound effect backends."""
