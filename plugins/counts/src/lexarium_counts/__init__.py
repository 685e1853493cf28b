"""Counting terms with the options of scikit-learn: what bag of words and TF-IDF share."""
