"""What one asks by words: how many images of each side show a phrase, does it tell them apart, and which show it best."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..embed.vocabulary import Vocabulary
from ..errors import InputError
from ..progress import Progress
from ..stats.verification import Verification, verify


def answers(
    a: np.ndarray,
    b: np.ndarray,
    phrases: Sequence[str],
    encoder: Any,
    vocabulary: Vocabulary | None,
    rows: int = 10,
    groups: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
) -> list[Verification]:
    """Verify phrases that a person typed, by a text encoder, or composed of a vocabulary's words.

    Args:
        a, b: (n, d) raw image vectors of both sides.
        phrases: texts, repeats and blank ones left out.
        encoder: text encoder of the images' space, or None.
        vocabulary: words of that space on whose mean the phrases are centred, or None; without an encoder, what phrases are made of.
        rows: best images listed, per side.
        groups: ``groups_a``, ``groups_b`` and ``paired`` of :func:`~latentdiff.stats.verification.verify`; None: none of
            them.
        progress: ``progress(fraction, label)``.

    Raises:
        InputError: no phrase, neither encoder nor vocabulary, or a phrase of unknown words where there is no encoder.
    """
    texts = list(dict.fromkeys(t for t in (" ".join(p.split()) for p in phrases) if t))
    if not texts:
        raise InputError("ask for something: a phrase such as 'a red kite'")
    given: dict[str, Any] = {**(groups or {}), "rows": rows, "progress": progress}
    if encoder is not None:
        return verify(a, b, texts, encoder.encode_texts(texts), vocabulary=vocabulary, **given)
    if vocabulary is None:
        raise InputError("phrases need a text encoder (--encoder NAME) or words with vectors (--vocabulary FILE)")
    from ..describe.phrase_vectors import composed_directions

    directions = composed_directions(vocabulary)(texts)
    unknown = [t for t, d in zip(texts, directions, strict=True) if not np.isfinite(d).all()]
    if unknown:
        raise InputError(f"the vocabulary lacks most words of {unknown[0]!r}; use other words, or a text encoder: --encoder NAME")
    return verify(a, b, texts, directions, **given)
