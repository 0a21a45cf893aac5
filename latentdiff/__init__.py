"""LatentDiff: how do these two sets of images differ?"""

from .config import CompareConfig
from .describe.build import build_describer
from .describe.config import DescribeConfig
from .describe.describer import Describer
from .embed.encoder import load_encoder
from .embed.vocabulary import Vocabulary
from .embed.words import load_vocabulary
from .errors import Cancelled, CheckpointError, EncoderError, EndpointError, InputError, LatentDiffError, RunError
from .method_config import MethodConfig
from .methods import compare_by
from .pipeline import compare
from .report import write_report
from .result import Comparison, ConceptTable, Hypothesis, TwoSampleTest
from .sae.checkpoints import load_sae
from .sae.concepts import describe_concepts
from .sae.model import SparseAutoencoder
from .sae.monosemanticity import monosemanticity
from .sae.training import train_sae
from .stats.verification import Verification, verify

__version__ = "0.1.0"

__all__ = [
    "Cancelled",
    "CheckpointError",
    "CompareConfig",
    "Comparison",
    "ConceptTable",
    "DescribeConfig",
    "Describer",
    "EncoderError",
    "EndpointError",
    "Hypothesis",
    "InputError",
    "LatentDiffError",
    "MethodConfig",
    "RunError",
    "SparseAutoencoder",
    "TwoSampleTest",
    "Verification",
    "Vocabulary",
    "build_describer",
    "compare",
    "compare_by",
    "describe_concepts",
    "load_encoder",
    "load_sae",
    "load_vocabulary",
    "monosemanticity",
    "train_sae",
    "verify",
    "write_report",
]
