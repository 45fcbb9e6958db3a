"""Grading a class: hidden parts, and submissions that may be hostile, each in a process of its own."""
