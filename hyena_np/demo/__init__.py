"""The demonstration: a ladder of equal results, a model that learns to recall, and the pictures of both."""
