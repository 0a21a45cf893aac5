"""What a watch was begun with stays: other choices for it, and vectors of another encoder, are refused."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from ..embed.fingerprint import Fingerprint, unlike_precisions
from ..embed.ordering import content_keys
from ..embed.vocabulary import Vocabulary
from ..errors import InputError
from ..sae.compatibility import encoder_difference
from ..sae.fairness import known_counts, knows_one_better, said_of_known
from ..sae.model import SparseAutoencoder


def knowing(sae: SparseAutoencoder, encoder: Fingerprint | None) -> SparseAutoencoder:
    """An SAE that says all that is known of its encoder, for batches to be held against.

    The precision is that of the watch's own vectors alone, whatever the SAE was trained on.
    """
    theirs = encoder_of(sae)
    known = {key: value for key, value in theirs.items() if key != "dtype"} | (encoder or {})
    return dataclasses.replace(sae, info={**sae.info, "encoder": known}) if known != theirs else sae


def encoder_of(sae: SparseAutoencoder) -> Fingerprint:
    """What is known of the encoder of a watch's vectors."""
    known = sae.info.get("encoder")
    return known if isinstance(known, dict) else {}


def precision_remarks(sae: SparseAutoencoder, encoder: Fingerprint | None) -> tuple[str, ...]:
    """That a batch was computed in another precision than what the watch was begun with, where both are known."""
    unlike = unlike_precisions(encoder_of(sae), encoder)
    if not unlike:
        return ()
    said = f"vectors of the reference were computed in {unlike[0]}, those of this batch in {unlike[1]}"
    return (f"{said}: a change may be the precision's; embed both alike",)


def known_of(sae: SparseAutoencoder, x: np.ndarray) -> tuple[int, int]:
    """How many of (n, d) vectors an SAE was trained on, and of how many that can be told."""
    counts = known_counts(sae, content_keys(x), np.zeros(len(x), int))
    return (0, 0) if counts is None or not len(counts[1]) else (int(counts[0][0]), int(counts[1][0]))


def known_remarks(sae: SparseAutoencoder, reference: tuple[int, int], batch: np.ndarray) -> tuple[str, ...]:
    """That the SAE knows the reference better than a batch, or the other way round, where it does.

    Args:
        sae: the watch's.
        reference: what :func:`known_of` says of the images of the reference that batches are held against.
        batch: (m, d) vectors.
    """
    known, total = (np.array(pair) for pair in zip(reference, known_of(sae, batch), strict=True))
    sides = knows_one_better(known, total)
    if sides is None:
        return ()
    return (f"{said_of_known(known, total, *sides, ('the reference', 'this batch'))}; begin a watch without it: it trains its own",)


def check_batch_encoder(sae: SparseAutoencoder, encoder: Fingerprint | None) -> None:
    """Refuse vectors of another encoder than the reference's; what either does not know is not held against it.

    Args:
        sae: the watch's.
        encoder: fingerprint of the vectors' encoder; None: unknown.

    Raises:
        InputError: the first difference.
    """
    different = encoder_difference(sae, encoder)
    if different:
        raise InputError(f"the batch is of another encoder than the reference: {different}; take the encoder that the watch was begun with")


def check_choices(
    monitor: Any,
    alpha: float | None,
    seed: int | None,
    sae: SparseAutoencoder | None,
    vocabulary: Vocabulary | None,
    encoder: Fingerprint | None,
) -> None:
    """Refuse choices for a batch that are not those of the watch; None: nothing was chosen, or is known.

    Args:
        monitor: the watch.
        alpha: its level.
        seed: its seed.
        sae: what it encodes with.
        vocabulary: its words.
        encoder: of the batch's vectors.

    Raises:
        InputError: the first that differs.
    """
    check_batch_encoder(monitor._features.sae, encoder)
    own, words = monitor._features.sae, monitor._features.words
    given = tuple(vocabulary.words[: vocabulary.given]) if vocabulary is not None else None
    differs = {
        f"alpha {monitor.alpha:g}, not {alpha}": alpha is not None and alpha != monitor.alpha,
        f"seed {monitor.seed}, not {seed}": seed is not None and seed != monitor.seed,
        "another SAE": sae is not None and sae.key != own.key,
        "other words, or none" if words is None else "other words": given is not None and given != (words and words.names),
    }
    for what, is_so in differs.items():
        if is_so:
            raise InputError(f"the watch was begun with {what}; leave that option out, or begin another watch")
