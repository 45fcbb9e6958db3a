"""Models around any mixer: parameter trees, initialisation, the language model, its memory."""
