"""FiftyOne operators: parameters in, one SDK call, what the App shows out."""

from __future__ import annotations

from typing import Any


def register(plugin: Any) -> None:
    """Register every operator of the plugin."""
    from .ask_question import AskQuestion
    from .build_noisy_diff import BuildNoisyDiff
    from .compare_views import CompareViews
    from .compute_embeddings import ComputeEmbeddings
    from .delete_comparison import DeleteComparison
    from .export_report import ExportReport
    from .open_page import OpenPage
    from .rename_comparison import RenameComparison
    from .save_hypothesis import SaveHypothesis
    from .show_hypothesis import ShowHypothesis
    from .tag_hypothesis import TagHypothesis
    from .train_sae import TrainSae

    operators: tuple[Any, ...] = (CompareViews, ComputeEmbeddings, DeleteComparison, RenameComparison)
    operators += (SaveHypothesis, ShowHypothesis, TagHypothesis, TrainSae)
    operators += (BuildNoisyDiff, ExportReport, OpenPage, AskQuestion)
    for operator in operators:
        plugin.register(operator)
