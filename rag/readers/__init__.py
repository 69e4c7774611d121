"""One file a format: bytes to the parts of a text, with their pages, headings and rows."""
