"""Closing the gap between two sets: which images of a pool to add, which to leave out, and how to weigh those there are."""
