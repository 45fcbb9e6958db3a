"""Synthetic data, drawn on the host with NumPy from an explicit random generator."""
