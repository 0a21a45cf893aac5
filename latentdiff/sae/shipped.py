"""The SAE that comes with this package, for the encoder that does."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..embed.fingerprint import Fingerprint
from .loading import load_sae
from .model import SparseAutoencoder
from .training import TRAINERS

FOLDER = Path(__file__).parent.parent / "demo" / "sae"
UNEXPLAINED = 0.175
"""Share of a vector that the SAE leaves unexplained, in the median of a set, above which its images are no drawn scenes.

Chosen on 40 scenes of each of ten settings (medians 0.10 to 0.14) and 200 photographs each of Corel and COCO (0.25, 0.28; 60 in grey 0.20).
Scenes in grey, or of 64 pixels and JPEG quality 30, lie at 0.13 to 0.28: many of those are refused too.
"""
FEWEST = 5
"""Images of a side from which on a median says something."""


def shipped_sae(encoder: Fingerprint | None, trainer: str) -> SparseAutoencoder | None:
    """The SAE that comes with this package for an encoder: it goes before one that is trained on the images compared.

    Args:
        encoder: fingerprint of the encoder; None: unknown.
        trainer: kind of SAE that is wanted.

    Returns:
        The SAE; None where there is none for this encoder, or not of this kind.
    """
    if encoder is None or trainer != TRAINERS[0]:
        return None
    sae = load_sae(FOLDER)
    return sae if sae.info["encoder"]["weights"] == encoder.get("weights") else None


def strangers(encoder: Fingerprint | None, *sides: np.ndarray) -> str:
    """What the names of a comparison are worth where the demo's encoder saw something else than its drawn scenes; "" where all is well.

    The SAE that was trained on scenes rebuilds their vectors from few concepts, and those of photographs badly.

    Args:
        encoder: fingerprint of the encoder; None, or another than the demo's: nothing is said.
        sides: (n, d) vectors of each side; rows that are not finite are passed over.
    """
    sae = shipped_sae(encoder, TRAINERS[0])
    if sae is None:
        return ""
    for vectors in sides:
        x = np.asarray(vectors, np.float32)
        x = x[np.isfinite(x).all(1)]
        if len(x) < FEWEST or x.shape[1] != sae.width:
            continue
        error = np.square(x - sae.decode(sae.encode(x), x)).sum(1)
        if np.median(error / np.maximum(np.square(x - sae.b_dec).sum(1), 1e-12)) > UNEXPLAINED:
            return (
                "the demo's encoder knows drawn scenes only, and most of these images are none: whether the sides differ may be believed, "
                "the names of differences are worth nothing"
            )
    return ""
