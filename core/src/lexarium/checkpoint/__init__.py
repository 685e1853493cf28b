"""The model on disk: format 1. Only this package reads and writes it."""
