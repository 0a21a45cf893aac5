"""The encoder of two sides, and which vectors share one kept SAE: those of a field, whatever views of it are compared."""

from __future__ import annotations

from typing import Any

import numpy as np

import latentdiff
from latentdiff.embed.fingerprint import Fingerprint, tell_precisions
from latentdiff.embed.ranges import tell_ranges
from latentdiff.progress import Progress
from latentdiff.sae.loading import check_encoder
from latentdiff.sae.sampling import spread_sample
from latentdiff.sae.spaces import Space

from .encoders import Stamp, check_agree, recorded
from .sides import Side, resolve
from .store import database
from .training import SIDE, spooled


def encoder_of(sides: tuple[Side, Side], sae: Any) -> Fingerprint | None:
    """The encoder recorded for the vectors, None where none is; refuses what is of different encoders."""
    stamps = [recorded(side.dataset, side.stored) for side in sides]
    a, b = (stamp.fingerprint if stamp else None for stamp in stamps)
    check_agree(a, b, f"the vectors of {sides[0].name!r} and {sides[1].name!r}")
    for side, own in zip(sides, (a, b), strict=True):
        if isinstance(sae, latentdiff.SparseAutoencoder):
            check_encoder(sae, own, what=f"the vectors of {side.name!r}")
    return a or b


def tell_made(info: dict[str, Any], sides: tuple[Side, Side]) -> None:
    """Say in a comparison's ``info`` how the sides' vectors were made, by their records: with which range deep pictures were drawn, and
    that they were computed in unlike precisions, where they were."""
    a, b = (recorded(side.dataset, side.stored) or Stamp({}, None) for side in sides)
    tell_precisions(info, a.fingerprint, b.fingerprint)
    tell_ranges(info, a.ranges, b.ranges)


def space_of(sides: tuple[Side, Side], encoder: Fingerprint | None, asked: bool = False) -> Space | None:
    """The space of two sides: the field that holds the vectors of both.

    Its SAE is trained on all vectors of the field. Of patches, and of an index that holds vectors itself, those that comparisons have shown
    are known and no others. Sides of two datasets share the space of their encoder, where one is recorded.

    Args:
        sides: both sides, resolved.
        encoder: what is recorded of the encoder.
        asked: whether its SAE is wanted for few vectors too.

    Returns:
        The space; None where nothing says that the vectors of both sides belong together.
    """
    a, b = sides
    if database.identity(a.dataset) != database.identity(b.dataset) or (a.stored, a.index) != (b.stored, b.index):
        return Space.of_encoder(encoder, asked) if encoder else None
    dataset, path = a.dataset, a.stored
    known = {key: value for key, value in (encoder or {}).items() if key != "dtype"}
    identity: dict[str, Any] = {"dataset": str(database.identity(dataset)), "field": path, "index": a.index, "encoder": known}
    name = f"{'index' if a.index else 'field'} {path!r} of dataset {dataset.name!r}"
    if a.index or a.labels:
        return Space(name, identity, encoder=encoder, asked=asked)

    def rows(progress: Progress) -> np.ndarray:
        with spooled(resolve(SIDE, dataset, dataset, path), progress) as vectors:
            return spread_sample(vectors)

    return Space(name, identity, dataset.count(path), rows, encoder, asked)
