"""Word vectors as a thing of their own: look-up, exact and approximate search, algebra, alignment."""

from lexarium.words.vectors import WordVectors

__all__ = ["WordVectors"]
