"""Samples for captioners: files, captions that samples carry, and the text encoder of a vector field."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from latentdiff.describe.build import build_describer
from latentdiff.describe.config import DescribeConfig
from latentdiff.describe.describer import Describer
from latentdiff.errors import InputError, LatentDiffError

from . import encoders
from .sides import Side
from .vectors import Vectors


def describer_for(
    sides: tuple[Side, Side],
    rows: tuple[Vectors, Vectors],
    config: DescribeConfig | None,
    captions: str | Mapping[str, str | Sequence[str]] | None,
    key: str | None,
) -> Describer | None:
    """The describer of a comparison of two views.

    Args:
        sides: both views.
        rows: what is compared of each.
        config: every choice; None with captions: those captions and word statistics; None without: no describer.
        captions: field of the samples' captions (a text or a list of texts), or captions by file path.
        key: a server's key; None: from the environment.

    Raises:
        InputError: captions of patches, or a field without captions.
    """
    if config is None:
        if captions is None:
            return None
        config = DescribeConfig(captioner="given")
    if config.captioner != "vocabulary" and any(side.labels for side in sides):
        raise InputError("captions are of whole images; patches are described with captioner='vocabulary' alone")
    a, b = (_values(side, read, "filepath") for side, read in zip(sides, rows, strict=True))
    if isinstance(captions, str):
        texts = [_values(side, read, captions) for side, read in zip(sides, rows, strict=True)]
        captions = {path: text for paths, some in zip((a, b), texts, strict=True) for path, text in zip(paths, some, strict=True) if text}
    return build_describer(config, images=(a, b), captions=captions, encode_texts=_text_encoder(sides[0]), key=key)


def _values(side: Side, read: Vectors, field: str) -> list[Any]:
    """A field's value of each compared row, in the rows' order."""
    if field != "filepath" and not side.dataset.has_sample_field(field):
        raise InputError(f"{side.dataset.name!r} has no field {field!r} with captions")
    ids, values = side.dataset.select(sorted(set(read.samples.tolist()))).values(["id", field])
    of = dict(zip(ids, values, strict=True))
    return [of.get(i) for i in read.samples.tolist()]


def _text_encoder(side: Side) -> Any:
    """``encode_texts`` of the encoder that is recorded for the field, loaded when it is first asked; None where none is recorded."""
    if encoders.recorded(side.dataset, side.stored) is None:
        return None

    def encode(texts: Sequence[str]) -> np.ndarray:
        try:
            return encoders.rebuild(side.dataset, side.stored).encode_texts(list(texts))
        except LatentDiffError as e:
            raise InputError(f"phrases cannot be tested: {e}") from e

    return encode
