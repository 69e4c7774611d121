"""The parts of the page, and what programs may ask of it."""
