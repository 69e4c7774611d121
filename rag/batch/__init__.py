"""Question sets and what is measured on them: the parts of `rag.evaluation`."""
