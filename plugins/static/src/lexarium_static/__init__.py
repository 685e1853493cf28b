"""What word2vec, glove and fasttext share: texts as pooled word vectors, formats, corpora as word ids."""
