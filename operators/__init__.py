"""FiftyOne operators: parameters in, one SDK call, what the App shows out."""

from __future__ import annotations

from typing import Any


def register(plugin: Any) -> None:
    """Register every operator of the plugin."""
    from .compare_views import CompareViews
    from .comparisons import AskQuestion, DeleteComparison, ExportReport, KeepAnswer, RenameComparison
    from .hypotheses import JudgeFinding, SaveHypothesis, ShowHypothesis, TagHypothesis
    from .many import CloseGap, CompareGroups
    from .naming import DeclareEncoder, FinishComparison, NameComparison
    from .preparing import BuildNoisyDiff, ComputeEmbeddings, ComputeMeasures, DropSae, OpenPage, TrainSae

    operators: tuple[Any, ...] = (CompareViews, ComputeEmbeddings, ComputeMeasures, DeleteComparison, RenameComparison)
    operators += (SaveHypothesis, ShowHypothesis, TagHypothesis, TrainSae)
    operators += (BuildNoisyDiff, ExportReport, OpenPage, AskQuestion, DropSae, CompareGroups, CloseGap)
    operators += (DeclareEncoder, FinishComparison, NameComparison, JudgeFinding, KeepAnswer)
    for operator in operators:
        plugin.register(operator)
