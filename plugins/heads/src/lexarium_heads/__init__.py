"""Task heads on top of vectors, and the verbs that train, use and test them."""
