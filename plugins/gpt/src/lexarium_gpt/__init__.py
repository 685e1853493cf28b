"""GPT and other decoder-only models: texts written, vectors, perplexity."""
