"""Compare ways of representing text on the user's own labelled table, with cost beside accuracy."""
