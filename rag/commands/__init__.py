"""The groups of the `rag` command."""
