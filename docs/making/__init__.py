"""What ``docs/build.py`` is made of: each file makes one kind of page, or checks one thing."""
