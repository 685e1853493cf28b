"""Bag of words: how often each word or character n-gram of a vocabulary stands in a text."""
