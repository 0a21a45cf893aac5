"""Exemplar images to phrases."""
