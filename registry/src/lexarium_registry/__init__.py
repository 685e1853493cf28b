"""Where models are kept: the local store and its commands."""
