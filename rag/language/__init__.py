"""What is known of Vietnamese beyond its letters: abbreviations, claims, question words, lists, laws, old encodings."""
