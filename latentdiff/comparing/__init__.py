"""Both branches between two sides, brought together: the only room beside ``scale`` that sees vectors, codes, statistics and phrases."""
