"""What an index is made of: the catalog, its views, its files and its lock."""
