"""What a caller names a vocabulary by → the words with vectors in the space of a field."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import latentdiff
from latentdiff.errors import InputError
from latentdiff.progress import Progress

from . import encoders

COMMON = "common"
"""Stands for the word list that comes with the package."""


def vocabulary_for(given: Any, dataset: Any, path: str, progress: Progress) -> latentdiff.Vocabulary | None:
    """The vocabulary for a vector field.

    Args:
        given: a vocabulary; None; a ``.npz`` file with words and vectors; a text file, one word or phrase a line; or "common" for about
            20,000 common English words. The last two are given vectors by the encoder that is recorded for the field.
        dataset: ``fo.Dataset`` that holds the field.
        path: path of the vectors.
        progress: reports the encoding of words, where there is any.

    Raises:
        InputError: a file that cannot be used, or no encoder is recorded where one is needed.
    """
    from latentdiff.embed import words
    from latentdiff.inputs import read_vocabulary

    if given is None or isinstance(given, latentdiff.Vocabulary):
        return given
    if not isinstance(given, (str, os.PathLike)):
        raise InputError(f"vocabulary is a Vocabulary, a file, {COMMON!r} or None, not {type(given).__name__}")
    if given == COMMON:
        return words.load_vocabulary(encoders.rebuild(dataset, path), progress=progress)
    file = Path(given).expanduser()
    if file.suffix == ".npz":
        return read_vocabulary(file)
    phrases = words.read_phrases(file)
    return words.load_vocabulary(encoders.rebuild(dataset, path), words=(), phrases=phrases, progress=progress)
