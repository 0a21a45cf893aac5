"""LatentDiff: how do these two sets of images differ?"""

import importlib as _importlib
import typing as _typing

from .version import __version__ as __version__

if _typing.TYPE_CHECKING:
    from .calls import ask, compare_folders
    from .comparing.pipeline import compare
    from .config import CompareConfig
    from .describe.build import build_describer
    from .describe.config import DescribeConfig
    from .describe.describer import Describer
    from .embed.encoder import load_encoder
    from .embed.measures import measure_images
    from .embed.styles import name_styles
    from .embed.vocabulary import Vocabulary
    from .embed.words import load_vocabulary
    from .errors import Cancelled, CheckpointError, EncoderError, EndpointError, InputError, LatentDiffError, MissingPackageError, RunError
    from .gap.closing import close_gap
    from .groups.comparing import compare_groups
    from .methods.config import MethodConfig
    from .methods.run import compare_with
    from .monitoring.monitor import Monitor
    from .report import write_report
    from .request import CompareRequest
    from .results.comparison import Comparison
    from .results.fields import FieldDifference, FieldShare
    from .results.gap import Gap
    from .results.groups import GroupComparison
    from .results.hypothesis import ConceptTable, Hypothesis, TwoSampleTest
    from .results.reading import Reading
    from .results.trends import ChangePoint, Trend, Trends
    from .sae.concepts import describe_concepts
    from .sae.kept import KeptSae, kept_saes
    from .sae.loading import load_sae
    from .sae.model import SparseAutoencoder
    from .sae.monosemanticity import monosemanticity
    from .sae.training import train_sae
    from .scale.engine import Engine
    from .stats.verification import Verification, verify
    from .trends.comparing import compare_over_time

    compare_by = compare_with

_WHERE = {
    "Cancelled": ".errors",
    "ChangePoint": ".results.trends",
    "CheckpointError": ".errors",
    "CompareConfig": ".config",
    "CompareRequest": ".request",
    "Comparison": ".results.comparison",
    "ConceptTable": ".results.hypothesis",
    "DescribeConfig": ".describe.config",
    "Describer": ".describe.describer",
    "EncoderError": ".errors",
    "EndpointError": ".errors",
    "Engine": ".scale.engine",
    "FieldDifference": ".results.fields",
    "FieldShare": ".results.fields",
    "Gap": ".results.gap",
    "GroupComparison": ".results.groups",
    "Hypothesis": ".results.hypothesis",
    "InputError": ".errors",
    "KeptSae": ".sae.kept",
    "LatentDiffError": ".errors",
    "MethodConfig": ".methods.config",
    "MissingPackageError": ".errors",
    "Monitor": ".monitoring.monitor",
    "Reading": ".results.reading",
    "RunError": ".errors",
    "SparseAutoencoder": ".sae.model",
    "Trend": ".results.trends",
    "Trends": ".results.trends",
    "TwoSampleTest": ".results.hypothesis",
    "Verification": ".stats.verification",
    "Vocabulary": ".embed.vocabulary",
    "ask": ".calls",
    "build_describer": ".describe.build",
    "close_gap": ".gap.closing",
    "compare": ".comparing.pipeline",
    "compare_folders": ".calls",
    "compare_groups": ".groups.comparing",
    "compare_over_time": ".trends.comparing",
    "compare_with": ".methods.run",
    "describe_concepts": ".sae.concepts",
    "kept_saes": ".sae.kept",
    "load_encoder": ".embed.encoder",
    "load_sae": ".sae.loading",
    "load_vocabulary": ".embed.words",
    "measure_images": ".embed.measures",
    "name_styles": ".embed.styles",
    "monosemanticity": ".sae.monosemanticity",
    "train_sae": ".sae.training",
    "verify": ".stats.verification",
    "write_report": ".report",
}
"""Public name → its module, which is imported when the name is first used: importing the package takes no longer than Python itself."""

__all__ = [
    "Cancelled",
    "ChangePoint",
    "CheckpointError",
    "CompareConfig",
    "CompareRequest",
    "Comparison",
    "ConceptTable",
    "DescribeConfig",
    "Describer",
    "EncoderError",
    "EndpointError",
    "Engine",
    "FieldDifference",
    "FieldShare",
    "Gap",
    "GroupComparison",
    "Hypothesis",
    "InputError",
    "KeptSae",
    "LatentDiffError",
    "MethodConfig",
    "MissingPackageError",
    "Monitor",
    "Reading",
    "RunError",
    "SparseAutoencoder",
    "Trend",
    "Trends",
    "TwoSampleTest",
    "Verification",
    "Vocabulary",
    "ask",
    "build_describer",
    "close_gap",
    "compare",
    "compare_folders",
    "compare_groups",
    "compare_over_time",
    "compare_with",
    "describe_concepts",
    "kept_saes",
    "load_encoder",
    "load_sae",
    "load_vocabulary",
    "measure_images",
    "monosemanticity",
    "name_styles",
    "train_sae",
    "verify",
    "write_report",
]


if not _typing.TYPE_CHECKING:  # a type checker that saw it would take any misspelt name

    def __getattr__(name: str) -> _typing.Any:
        """Public names at their first use; names of earlier versions, which warn and are in no listing."""
        if name in _WHERE:
            if name == "MethodConfig":
                _importlib.import_module(".methods.run", __name__)  # registers the methods that it may name
            value = globals()[name] = getattr(_importlib.import_module(_WHERE[name], __name__), name)
            return value
        if name == "compare_by":
            from .deprecation import renamed
            from .methods.run import compare_with

            return renamed(name, compare_with)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """The public names alone."""
    return list(__all__)
