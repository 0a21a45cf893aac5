"""The SAE that comes with this package, for the encoder that does."""

from __future__ import annotations

from pathlib import Path

from ..embed.fingerprint import Fingerprint
from .loading import load_sae
from .model import SparseAutoencoder
from .training import TRAINERS

FOLDER = Path(__file__).parent.parent / "demo" / "sae"


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
