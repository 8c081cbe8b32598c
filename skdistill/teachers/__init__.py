"""Teachers: what they must be, what they say, and the soft labels they give."""
