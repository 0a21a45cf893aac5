"""The ``latentdiff`` command."""

from .main import main

__all__ = ["main"]
