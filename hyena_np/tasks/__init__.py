"""Data for training and tests, on the host with NumPy: synthetic tasks, text, images."""
