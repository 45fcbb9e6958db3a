"""One file an exercise: what is asked, and what judges it."""
