"""Ask a question about two views: their vectors, their samples' files, and what gives a phrase its vector."""

from __future__ import annotations

from typing import Any

import numpy as np

import latentdiff
from latentdiff.progress import Progress, part, silent

from . import encoders, runs
from .comparing import comparable
from .vocabularies import COMMON, vocabulary_for


def ask_views(
    dataset: Any,
    view_a: Any,
    view_b: Any,
    phrases: list[str],
    *,
    embeddings: str,
    vocabulary: Any = None,
    encoder: Any = None,
    images: int = 10,
    progress: Progress | None = None,
) -> list[tuple[latentdiff.Verification, list[str], list[str]]]:
    """How many images of each view show a phrase, does it tell them apart, and which samples show it best. Writes nothing.

    Args:
        dataset: ``fo.Dataset`` (or its name) in which saved views are looked up.
        view_a, view_b: name of a saved view, ``fo.DatasetView`` or ``fo.Dataset``.
        phrases: texts.
        embeddings: field of the image vectors.
        vocabulary: as :func:`~fiftyone_plugin.comparing.compare_views` takes it: phrases are centred on its words; None: the common ones
            where an encoder is known.
        encoder: text encoder: an object, or what ``load_encoder`` takes; None: the one recorded for the field, if any. Without one,
            phrases are made of the vocabulary's words.
        images: samples listed, per side.
        progress: ``progress(fraction, label)``; raise :class:`latentdiff.Cancelled` in it to stop.

    Returns:
        Per phrase, its :class:`latentdiff.Verification`, and the ids of the samples (labels, for patches) of A and of B that show it
        best, best first.

    Raises:
        InputError: views, fields, vectors or phrases that cannot be used.
    """
    from latentdiff.cli_ask import answers

    report = progress or silent
    dataset = runs.as_dataset(dataset)
    sides, (a, b), _ = comparable(dataset, view_a, view_b, embeddings, True, part(report, 0.0, 0.6))
    text_encoder, words = _language(sides[0], vocabulary, encoder, part(report, 0.6, 0.8))
    found = answers(a.values, b.values, phrases, text_encoder, words, images, part(report, 0.8, 1.0))
    return [(v, a.ids[list(v.rows_a)].tolist(), b.ids[list(v.rows_b)].tolist()) for v in found]


def read_views(
    a: tuple[str, str], b: tuple[str, str], embeddings: str, vocabulary: Any, encoder: Any, progress: Progress
) -> tuple[tuple[np.ndarray, list[str]], tuple[np.ndarray, list[str]], Any, Any]:
    """(vectors, files) of both of two (dataset, saved view), the text encoder and the words: what the command line asks with."""
    dataset, other = runs.as_dataset(a[0]), runs.as_dataset(b[0])
    view_b = b[1] if other is dataset else other.load_saved_view(b[1])
    sides, read, _ = comparable(dataset, a[1], view_b, embeddings, True, part(progress, 0.0, 0.6))
    text_encoder, words = _language(sides[0], vocabulary, encoder, part(progress, 0.6, 0.8))
    items = []
    for side, own in zip(sides, read, strict=True):
        path = dict(zip(*side.dataset.values(["id", "filepath"]), strict=True))
        items.append((own.values, [path[i] for i in own.samples.tolist()]))
    return items[0], items[1], text_encoder, words


def _language(side: Any, vocabulary: Any, encoder: Any, progress: Progress) -> tuple[Any, Any]:
    """The text encoder of a side's vectors, where it is known, and the words on which phrases are centred."""
    if encoder is not None:
        encoder = encoders.build(encoder)[0]
    elif encoders.recorded(side.dataset, side.stored) is not None:
        encoder = encoders.rebuild(side.dataset, side.stored)
    if vocabulary == COMMON or (vocabulary is None and encoder is not None):
        return encoder, latentdiff.load_vocabulary(encoder or encoders.rebuild(side.dataset, side.stored), progress=progress)
    return encoder, vocabulary_for(vocabulary, side.dataset, side.stored, progress)
