"""Compiled loops of Lexarium; each module says what it computes."""
