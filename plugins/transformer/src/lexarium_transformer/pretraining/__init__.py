"""Pretraining from scratch: a tokenizer, an objective, and transformers' own training loop."""
