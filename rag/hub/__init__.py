"""Models to pull: which there are, fetched whole or not at all, tried in a process of their own."""
