"""What a watch was begun with stays: other choices for it, and vectors of another encoder, are refused."""

from __future__ import annotations

import dataclasses
from typing import Any

from ..embed.fingerprint import Fingerprint
from ..embed.vocabulary import Vocabulary
from ..errors import InputError
from ..sae.compatibility import encoder_difference
from ..sae.model import SparseAutoencoder


def knowing(sae: SparseAutoencoder, encoder: Fingerprint | None) -> SparseAutoencoder:
    """An SAE that says all that is known of its encoder, for batches to be held against."""
    if not encoder:
        return sae
    theirs = sae.info.get("encoder")
    return dataclasses.replace(sae, info={**sae.info, "encoder": {**(theirs if isinstance(theirs, dict) else {}), **encoder}})


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
