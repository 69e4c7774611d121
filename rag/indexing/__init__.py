"""A new generation of an index: brought in step with the files, published, checked, made anew."""
