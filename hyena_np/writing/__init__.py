"""A model of your own text: what ``hyena-np train`` and ``hyena-np generate`` do."""
