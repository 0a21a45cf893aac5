"""Many sets of images at once: every group against the rest, and every pair of groups, from one encoding."""
