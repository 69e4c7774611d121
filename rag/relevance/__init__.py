"""What a question and a text have in common, and how much that says."""
