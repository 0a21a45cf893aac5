"""Noisy-Diff, the papers' scores and evaluations, and planted truth: what the methods are measured by."""
