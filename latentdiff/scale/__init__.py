"""Comparisons larger than memory or than one machine, and what they will cost."""
