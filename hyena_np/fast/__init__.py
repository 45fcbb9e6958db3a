"""The operator again, for NumPy and for speed: the same functions, a block of channels at a time."""
