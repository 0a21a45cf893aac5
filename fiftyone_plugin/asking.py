"""Ask a stored comparison about a phrase of one's own: is it more true of one side?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

import latentdiff
from latentdiff.errors import InputError, LatentDiffError
from latentdiff.progress import Progress, part, silent

from . import encoders, forms
from .handle import ComparisonRun
from .sides import resolve
from .vectors import read_vectors
from .vocabularies import vocabulary_for

BEST = 200
"""Images listed per side: what one looks through, and small enough to stay in a panel's state."""


@dataclass(frozen=True)
class Answer:
    """Evidence for a phrase on all images of a comparison."""

    found: latentdiff.Verification
    """AUROC, Welch t, p and rates."""
    ids: dict[str, list[str]]
    """By "A" and "B": the images that show it best, best first, at most 200."""


def ask(run: ComparisonRun, phrase: str, *, progress: Progress | None = None) -> Answer:
    """Test a phrase on every image that was compared (VisDiff section 4.2).

    The phrase is encoded by the encoder recorded for the vectors, and centred on the words that named the comparison, where they are known.

    Args:
        run: the comparison.
        phrase: a word or a few, such as "a dog on a beach".
        progress: ``progress(fraction, label)``.

    Raises:
        InputError: an empty phrase, no encoder recorded, or vectors that are gone. RunError: a side's dataset was deleted.
    """
    progress = progress or silent
    phrase = " ".join(str(phrase or "").split())
    if not phrase:
        raise InputError("ask about a word or a few, such as 'a dog on a beach'")
    home = run.sides["A"]
    stored = resolve("A", home.select([]), run.dataset, run.config["embeddings"]).stored
    progress(0.0, "loading the encoder")
    encoder = encoders.rebuild(home.dataset, stored)
    vector = encoder.encode_texts([phrase])
    words = _words(run, stored, part(progress, 0.1, 0.4))
    a, b = (_vectors(run, side, part(progress, 0.4 + 0.2 * i, 0.6 + 0.2 * i)) for i, side in enumerate("AB"))
    (found,) = latentdiff.verify(a, b, [phrase], vector, vocabulary=words, rows=BEST, progress=part(progress, 0.8, 1.0))
    rows = {"A": found.rows_a, "B": found.rows_b}
    return Answer(found, {side: [str(run.sides[side].ids[row]) for row in rows[side]] for side in "AB"})


def can_ask(run: ComparisonRun) -> str | None:
    """Why a comparison cannot be asked; None where it can."""
    home = run.sides["A"]
    if home.dataset is None:
        return f"The dataset {home.dataset_name!r} was deleted."
    try:
        stored = resolve("A", home.select([]), run.dataset, run.config["embeddings"]).stored
    except LatentDiffError as e:
        return forms.sentence(e)
    stamp = encoders.recorded(home.dataset, stored)
    if stamp is None or stamp.source is None:
        return (
            "A phrase needs the encoder that made the image vectors, and none is recorded. Vectors made by “LatentDiff: compute "
            "embeddings” have one; for others, name it in Python: fiftyone_plugin.declare_embeddings(dataset, field, encoder)."
        )
    return None


def _words(run: ComparisonRun, stored: str, progress: Progress) -> latentdiff.Vocabulary | None:
    """The words that named the comparison; None where they are not known any more."""
    given = forms.chosen_vocabulary(run.config.get("form") or {})
    try:
        return vocabulary_for(given, run.sides["A"].dataset, stored, progress)
    except LatentDiffError:
        return None  # a file that was moved: centring sharpens the answer, it does not make it


def _vectors(run: ComparisonRun, side: str, progress: Progress) -> np.ndarray:
    """(n, d) vectors of a side's images, in the comparison's order."""
    place = run.sides[side]
    view = place.select([str(i) for i in place.ids], ordered=False)
    read = read_vectors(resolve(side, view, run.dataset, run.config["embeddings"]), progress)
    at = {name: row for row, name in enumerate(read.ids.tolist())}
    missing = [name for name in place.ids.tolist() if name not in at]
    if missing:
        raise InputError(f"{len(missing)} of the images of {place.name!r} are gone, or have no vector any more; compare again")
    return read.values[[at[name] for name in place.ids.tolist()]]
