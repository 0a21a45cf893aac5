"""A set of images over time: what changes, when, and how sure that is."""
