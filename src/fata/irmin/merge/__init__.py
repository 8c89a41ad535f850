"""Merging: what a merge is, and the ways there are."""
