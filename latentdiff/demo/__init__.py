"""A small drawn world with known truth, its encoder and its SAE: LatentDiff without a download."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from .captions import words
from .pairs import DemoPair, planted_object_pair, setting_shift_pair
from .world import Rules, Scene, Thing, draw

if TYPE_CHECKING:
    from ..sae.model import SparseAutoencoder

ENCODER_FOLDER = Path(__file__).parent / "encoder"
SAE_FOLDER = Path(__file__).parent / "sae"

__all__ = ["DemoPair", "Rules", "Scene", "Thing", "draw", "load_sae", "planted_object_pair", "setting_shift_pair", "words"]


def load_sae() -> SparseAutoencoder:
    """The SAE that was trained on the demo encoder's vectors of drawn scenes."""
    from ..sae.loading import load_sae as load

    return load(SAE_FOLDER)
