"""Word2Vec for Lexarium."""
