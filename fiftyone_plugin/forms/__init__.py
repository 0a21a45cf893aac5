"""Inputs of the operators' forms, and what their answers mean."""
