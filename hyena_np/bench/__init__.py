"""The benchmark: our operator against others and against its floor, in one process, on the same inputs."""
