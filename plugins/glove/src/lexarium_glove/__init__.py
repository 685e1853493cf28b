"""GloVe: word vectors read from published files, and texts as the mean of their words."""
