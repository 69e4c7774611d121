"""What stands behind an embedding: other models loaded, how much they take at once, vectors of length 1."""
