"""Models around any mixer: parameter trees, initialisation, the language model and what it keeps in memory."""
