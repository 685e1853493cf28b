"""``lexarium evaluate --task``: word vectors on word similarity, analogies, odd one out."""
