"""Helpers of the test suite: array libraries, gradient checks, trees, the official operator."""
