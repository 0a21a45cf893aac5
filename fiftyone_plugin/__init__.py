"""LatentDiff in FiftyOne: the plugin's entry point, and the only package that reads and writes FiftyOne datasets."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .asking import ask_views
    from .comparing import compare_views
    from .embedding import Embedded, compute_embeddings, declare_embeddings
    from .feedback import judge_finding, undo_feedback
    from .gap import GapOfViews, close_gap
    from .many import compare_groups
    from .measuring import Measured, compute_measures
    from .naming import finish_comparison, name_comparison
    from .noisy_diff import NoisyDiffRun, build_noisy_diff, delete_noisy_diff, load_noisy_diff, noisy_diff_pairs
    from .over_time import TrendsOfDataset, compare_over_time
    from .recipes import compare_errors, compare_extremes, compare_generators, compare_models, compare_patches, compare_versions
    from .reporting import export_report
    from .store.groups import GroupsOfDataset
    from .store.leftovers import leftover_fields
    from .store.run import ComparisonRun
    from .store.runs import delete_comparison, list_comparisons, load_comparison, load_groups, mend_comparison, rename_comparison
    from .store.summary import RunSummary
    from .sweeping import ClassDifference, sweep_classes
    from .training import train_sae

_SDK = {
    "ClassDifference": ".sweeping",
    "ComparisonRun": ".store.run",
    "Embedded": ".embedding",
    "Measured": ".measuring",
    "GapOfViews": ".gap",
    "GroupsOfDataset": ".store.groups",
    "NoisyDiffRun": ".noisy_diff",
    "TrendsOfDataset": ".over_time",
    "RunSummary": ".store.summary",
    "ask_views": ".asking",
    "build_noisy_diff": ".noisy_diff",
    "close_gap": ".gap",
    "compare_errors": ".recipes",
    "compare_extremes": ".recipes",
    "compare_generators": ".recipes",
    "compare_groups": ".many",
    "compare_models": ".recipes",
    "compare_over_time": ".over_time",
    "compare_patches": ".recipes",
    "compare_versions": ".recipes",
    "compare_views": ".comparing",
    "compute_embeddings": ".embedding",
    "compute_measures": ".measuring",
    "declare_embeddings": ".embedding",
    "delete_comparison": ".store.runs",
    "delete_noisy_diff": ".noisy_diff",
    "export_report": ".reporting",
    "finish_comparison": ".naming",
    "judge_finding": ".feedback",
    "leftover_fields": ".store.leftovers",
    "list_comparisons": ".store.runs",
    "load_comparison": ".store.runs",
    "load_groups": ".store.runs",
    "load_noisy_diff": ".noisy_diff",
    "mend_comparison": ".store.runs",
    "name_comparison": ".naming",
    "noisy_diff_pairs": ".noisy_diff",
    "rename_comparison": ".store.runs",
    "sweep_classes": ".sweeping",
    "train_sae": ".training",
    "undo_feedback": ".feedback",
}

__all__ = [
    "ClassDifference",
    "ComparisonRun",
    "Embedded",
    "GapOfViews",
    "GroupsOfDataset",
    "Measured",
    "NoisyDiffRun",
    "RunSummary",
    "TrendsOfDataset",
    "ask_views",
    "build_noisy_diff",
    "close_gap",
    "compare_errors",
    "compare_extremes",
    "compare_generators",
    "compare_groups",
    "compare_models",
    "compare_over_time",
    "compare_patches",
    "compare_versions",
    "compare_views",
    "compute_embeddings",
    "compute_measures",
    "declare_embeddings",
    "delete_comparison",
    "delete_noisy_diff",
    "export_report",
    "finish_comparison",
    "judge_finding",
    "leftover_fields",
    "list_comparisons",
    "load_comparison",
    "load_groups",
    "load_noisy_diff",
    "mend_comparison",
    "name_comparison",
    "noisy_diff_pairs",
    "register",
    "rename_comparison",
    "sweep_classes",
    "train_sae",
    "undo_feedback",
]


def _find_parts() -> None:
    """Make ``.operators`` and ``.panels`` importable where they lie beside this package (a checkout, or a zip of one).

    In an installed package they are inside it and there is nothing to do. FiftyOne puts no plugin folder on ``sys.path``,
    so a downloaded zip has to bring its own ``latentdiff`` along; an installed one comes first.
    """
    here = os.path.dirname(os.path.realpath(__file__))
    root = os.path.dirname(here)
    if os.path.isdir(os.path.join(here, "operators")):
        return
    if root not in __path__:
        __path__.append(root)
    if any(importlib.util.find_spec(package) is None for package in ("latentdiff", "fiftyone_plugin")):
        sys.path.append(root)


_find_parts()


if not TYPE_CHECKING:  # a type checker that saw it would take any misspelt name

    def __getattr__(name: str) -> Any:
        """The SDK's functions, imported when first used: loading the plugin stays light."""
        if name not in _SDK:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(importlib.import_module(_SDK[name], __name__), name)


def __dir__() -> list[str]:
    """The public names alone."""
    return list(__all__)


def register(plugin: Any) -> None:
    """Register every operator and panel; FiftyOne calls this whenever it loads its plugins.

    Args:
        plugin: the ``fiftyone.plugins.context.PluginContext`` to register on.
    """
    from .operators import register as register_operators
    from .panels import register as register_panels

    register_operators(plugin)
    register_panels(plugin)
