"""What the candidates' concepts are, beyond this comparison: cards, Matryoshka groups, and the path from coarse to fine."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import scipy.sparse as sp

from ..config import CompareConfig
from ..embed.sides import Sides
from ..embed.vocabulary import Vocabulary
from ..results.hypothesis import Hypothesis
from ..sae.concepts import concept_cards
from ..sae.model import SparseAutoencoder
from ..sae.naming import Name

ROWS = 50_000
"""Images behind the cards: they describe the dictionary, so a sample of many does."""
COMPANIONS = 3


def with_cards(
    candidates: tuple[Hypothesis, ...],
    sae: SparseAutoencoder,
    codes: sp.csr_array,
    sides: Sides,
    vocabulary: Vocabulary | None,
    names: dict[int, Name],
    config: CompareConfig,
) -> tuple[tuple[Hypothesis, ...], dict[str, Any]]:
    """Candidates that know their SAE, group and path, and by concept (as text, for JSON) its card; see :func:`concept_cards`."""
    ids = np.array([h.concept for h in candidates if h.concept is not None], int)
    if not len(ids):
        return candidates, {}
    rows: slice | np.ndarray = slice(None)
    if len(sides) > ROWS:
        rows = np.sort(np.random.default_rng(config.seed).choice(len(sides), ROWS, replace=False))
    cards = concept_cards(
        sae, codes[rows], ids, sides[rows], vocabulary=vocabulary, names=names, weak_name=config.weak_name, companions=COMPANIONS
    )
    placed = tuple(h if h.concept is None else _placed(h, cards[h.concept], sae.key) for h in candidates)
    return placed, {str(k): card for k, card in cards.items()}


def _placed(h: Hypothesis, card: dict[str, Any], sae_key: str) -> Hypothesis:
    return dataclasses.replace(h, group=card["group"], path=tuple(p["label"] for p in card["path"]), sae_key=sae_key)
