"""FiftyOne operators: parameters in, one SDK call, what the App shows out."""

from __future__ import annotations

from typing import Any


def register(plugin: Any) -> None:
    """Register every operator of the plugin."""
    from .compare_views import CompareViews
    from .compute_embeddings import ComputeEmbeddings
    from .delete_comparison import DeleteComparison
    from .show_hypothesis import ShowHypothesis

    for operator in (CompareViews, ComputeEmbeddings, DeleteComparison, ShowHypothesis):
        plugin.register(operator)
