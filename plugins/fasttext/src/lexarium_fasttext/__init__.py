"""fastText for Lexarium."""
