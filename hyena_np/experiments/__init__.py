"""The paper's comparisons as named runs: seeded, resumable, each with its table and its figures."""
