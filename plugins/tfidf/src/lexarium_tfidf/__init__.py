"""TF-IDF: term counts weighted by how few of the training texts have the term."""
