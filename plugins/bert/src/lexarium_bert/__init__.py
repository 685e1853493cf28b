"""BERT and every other bidirectional encoder: vectors of texts and tokens, and masked words."""
