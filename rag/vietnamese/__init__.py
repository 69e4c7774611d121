"""What went wrong, in Vietnamese: the errors are raised in English, and put into Vietnamese where they are shown."""
