"""Training: optimiser, schedule, checkpoints, and the loop that ties them together."""
