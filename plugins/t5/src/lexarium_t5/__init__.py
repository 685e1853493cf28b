"""T5 and other encoder-decoders: vectors of texts, and texts made of texts (translation, summaries)."""
