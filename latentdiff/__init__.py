"""LatentDiff: how do these two sets of images differ?"""

import typing as _typing

from .calls import ask, compare_folders
from .comparing.pipeline import compare
from .config import CompareConfig
from .describe.build import build_describer
from .describe.config import DescribeConfig
from .describe.describer import Describer
from .embed.encoder import load_encoder
from .embed.measures import measure_images
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
from .sae.concepts import describe_concepts
from .sae.loading import load_sae
from .sae.model import SparseAutoencoder
from .sae.monosemanticity import monosemanticity
from .sae.training import train_sae
from .scale.engine import Engine
from .stats.verification import Verification, verify
from .version import __version__ as __version__

__all__ = [
    "Cancelled",
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
    "LatentDiffError",
    "MethodConfig",
    "MissingPackageError",
    "Monitor",
    "Reading",
    "RunError",
    "SparseAutoencoder",
    "TwoSampleTest",
    "Verification",
    "Vocabulary",
    "ask",
    "build_describer",
    "close_gap",
    "compare",
    "compare_folders",
    "compare_groups",
    "compare_with",
    "describe_concepts",
    "load_encoder",
    "load_sae",
    "load_vocabulary",
    "measure_images",
    "monosemanticity",
    "train_sae",
    "verify",
    "write_report",
]


if _typing.TYPE_CHECKING:  # a type checker that saw __getattr__ would take any misspelt name
    compare_by = compare_with
else:

    def __getattr__(name: str) -> _typing.Any:
        """Names of earlier versions, which warn; they are in no listing."""
        if name == "compare_by":
            from .deprecation import renamed

            return renamed(name, compare_with)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """The public names alone."""
    return list(__all__)
