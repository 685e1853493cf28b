"""Static vectors of the tokens of a sentence encoder: distilled here, or read from model2vec's folders."""
