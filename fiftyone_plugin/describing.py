"""Samples for captioners: files, captions that samples carry, and the text encoder of a vector field."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from latentdiff.describe.captions import texts_by_path
from latentdiff.errors import InputError, LatentDiffError
from latentdiff.methods.config import MethodConfig

from . import encoders
from .sides import Side
from .vectors import Vectors


def material_of(
    sides: tuple[Side, Side],
    rows: tuple[Vectors, Vectors],
    method: MethodConfig,
    captions: str | Path | Mapping[str, str | Sequence[str]] | None,
    prompts: str | Path | Mapping[str, str] | None,
) -> dict[str, Any]:
    """``images``, ``captions``, ``prompts`` and ``encode_texts`` for :func:`latentdiff.compare_with`; nothing where nothing reads them.

    Args:
        sides: both views.
        rows: what is compared of each.
        method: every choice.
        captions: field of the samples' captions (a text or a list of texts), captions by file path, or (a ``Path``) a file of them.
        prompts: the same of the prompts from which images were generated.

    Raises:
        InputError: captions or images of patches, or a field that there is not.
    """
    describe = method.describe
    if method.method == "mean" or (method.method == "latentdiff" and describe is None):
        return {}
    if method.method == "gsclip":
        return {"encode_texts": _text_encoder(sides[0])}
    if method.looks and any(side.labels for side in sides):
        raise InputError("captions are of whole images; patches are described with captioner='vocabulary' alone")
    files = tuple(_values(side, read, "filepath") for side, read in zip(sides, rows, strict=True))
    texts = {"captions": captions, "prompts": prompts}
    texts = {name: texts_by_path(given, name[:-1]) if isinstance(given, Path) else given for name, given in texts.items()}
    by_file = {name: _by_file(sides, rows, files, given) if isinstance(given, str) else given for name, given in texts.items()}
    return {"images": files, "encode_texts": _text_encoder(sides[0]), **by_file}


def _by_file(sides: tuple[Side, Side], rows: tuple[Vectors, Vectors], files: Sequence[list[Any]], field: str) -> dict[str, Any]:
    """A field's texts by file path, of the samples that have any."""
    texts = [_values(side, read, field) for side, read in zip(sides, rows, strict=True)]
    return {path: text for paths, some in zip(files, texts, strict=True) for path, text in zip(paths, some, strict=True) if text}


def _values(side: Side, read: Vectors, field: str) -> list[Any]:
    """A field's value of each compared row, in the rows' order."""
    if field != "filepath" and not side.dataset.has_sample_field(field):
        raise InputError(f"{side.dataset.name!r} has no field {field!r} with captions")
    ids, values = side.dataset.select(sorted(set(read.samples.tolist()))).values(["id", field])
    of = dict(zip(ids, values, strict=True))
    return [of.get(i) for i in read.samples.tolist()]


def _text_encoder(side: Side) -> Any:
    """``encode_texts`` of the encoder that is recorded for the field, loaded when it is first asked; None where none is recorded."""
    stamp = encoders.recorded(side.dataset, side.stored)
    if stamp is None or stamp.source is None:
        return None

    def encode(texts: Sequence[str]) -> np.ndarray:
        try:
            return encoders.rebuild(side.dataset, side.stored).encode_texts(list(texts))
        except LatentDiffError as e:
            raise InputError(f"phrases cannot be tested: {e}") from e

    return encode
