"""Comparisons in a dataset: records, documents, fields, and what is mended after a crash."""
