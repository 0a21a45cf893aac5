"""Vectors to sparse concepts, and concepts to names."""
