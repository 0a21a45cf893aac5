"""Held-out scores of the demo's encoder and SAE, through the same loader as any other encoder."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.stats import rankdata

from .captions import article
from .settings import SETTINGS
from .shapes import KINDS
from .world import Scene, draw

HELD_OUT_SEED = 1_000_003
"""Seed of the scenes that neither the encoder nor the SAE is trained on."""


def auroc(scores: np.ndarray, positive: np.ndarray) -> float:
    """Area under the ROC curve: probability that a positive row scores above a negative one, ties counting half."""
    ranks = rankdata(scores)
    n, p = len(scores), int(positive.sum())
    return float((ranks[positive].sum() - p * (p + 1) / 2) / (p * (n - p)))


def zero_shot_scores(vectors: np.ndarray, scenes: list[Scene], encode_texts: Any) -> dict[str, Any]:
    """Zero-shot scores on drawn scenes.

    Args:
        vectors: (n, d) raw image vectors of the scenes.
        scenes: their truth.
        encode_texts: list of m strings -> (m, d) raw text vectors.

    Returns:
        ``object_auroc`` (mean over kinds of the AUROC of the cosine with "a boat"), ``object_auroc_words`` (with the bare word),
        ``worst_objects`` (five lowest), ``setting_accuracy`` (largest cosine among the bare words) and
        ``setting_accuracy_phrases`` (among "a picture at the beach" and the like).
    """
    images = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    def cosines(texts: list[str]) -> np.ndarray:
        t = encode_texts(texts)
        return images @ (t / np.linalg.norm(t, axis=1, keepdims=True)).T

    present = {k: np.array([k in s.kinds for s in scenes]) for k in KINDS}
    names, bare = cosines([article(k) for k in KINDS]), cosines(list(KINDS))
    each = {k: auroc(names[:, i], present[k]) for i, k in enumerate(KINDS)}
    truth = np.array([list(SETTINGS).index(s.setting) for s in scenes])
    return {
        "scenes": len(scenes),
        "object_auroc": round(float(np.mean(list(each.values()))), 4),
        "object_auroc_words": round(float(np.mean([auroc(bare[:, i], present[k]) for i, k in enumerate(KINDS)])), 4),
        "worst_objects": {k: round(each[k], 4) for k in sorted(each, key=each.__getitem__)[:5]},
        "setting_accuracy": round(float((cosines(list(SETTINGS)).argmax(1) == truth).mean()), 4),
        "setting_accuracy_phrases": round(
            float((cosines([f"a picture {s.phrase}" for s in SETTINGS.values()]).argmax(1) == truth).mean()), 4
        ),
    }


def held_out(n: int = 2000, size: int = 256) -> tuple[list[Any], list[Scene]]:
    """Unseen scenes as users see them: natural rules, drawn at the demo's size."""
    images, scenes = zip(*draw(n, HELD_OUT_SEED, size=size), strict=True)
    return list(images), list(scenes)
