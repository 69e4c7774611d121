"""Conversations kept, each for its owner, and what people said of the answers."""
