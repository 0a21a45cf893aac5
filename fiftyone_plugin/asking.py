"""Ask two views, or a stored comparison, about a phrase of one's own: is it more true of one side?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

import latentdiff
from latentdiff.calls import say_left_out
from latentdiff.comparing.asking import answers
from latentdiff.errors import InputError, LatentDiffError, sentence
from latentdiff.inputs.named import COMMON, DatasetView, OpenSide, open_encoder, open_vocabulary
from latentdiff.inputs.opening import Opened
from latentdiff.progress import Progress, part, silent
from latentdiff.report.content import left_out

from . import encoders
from .comparing import comparable
from .encoders import chosen_vocabulary, vocabulary_for
from .grouping import groups_of
from .requests import named_views
from .sides import Side, resolve
from .store.run import ComparisonRun
from .usable import left_out_of
from .vectors import Vectors, read_vectors

BEST = 200
"""Images listed per side: what one looks through, and small enough to stay in a panel's state."""


@dataclass(frozen=True)
class Answer:
    """Evidence for a phrase on all images of a comparison."""

    found: latentdiff.Verification
    """AUROC, Welch t, p and rates."""
    ids: dict[str, list[str]]
    """By "A" and "B": the images that show it best, best first, at most 200."""
    notes: tuple[str, ...] = ()
    """What was not compared, and so not asked, in words."""


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
    words = words_of(run, stored, part(progress, 0.1, 0.4))
    sides, read = zip(*(read_again(run, side, part(progress, 0.4 + 0.2 * i, 0.6 + 0.2 * i)) for i, side in enumerate("AB")), strict=True)
    groups = groups_of(sides, read, run.config.get("groups"))
    a, b = (own.values for own in read)
    (found,) = latentdiff.verify(a, b, [phrase], vector, vocabulary=words, rows=BEST, **groups, progress=part(progress, 0.8, 1.0))
    rows = {"A": found.rows_a, "B": found.rows_b}
    ids = {side: [str(run.sides[side].ids[row]) for row in rows[side]] for side in "AB"}
    return Answer(found, ids, left_out({"left_out": run.counts}, [run.sides[side].name for side in "AB"]))


def can_ask(run: ComparisonRun) -> str | None:
    """Why a comparison cannot be asked; None where it can."""
    home = run.sides["A"]
    if home.dataset is None:
        return f"The dataset {home.dataset_name!r} was deleted."
    try:
        stored = resolve("A", home.select([]), run.dataset, run.config["embeddings"]).stored
    except LatentDiffError as e:
        return sentence(e)
    stamp = encoders.recorded(home.dataset, stored)
    if stamp is None or stamp.source is None:
        return (
            "A phrase needs the encoder that made the image vectors, and none is recorded. Vectors made by “LatentDiff: compute "
            "embeddings” have one; for others, name it: “LatentDiff: say which encoder made vectors”."
        )
    return None


def words_of(run: ComparisonRun, stored: str, progress: Progress) -> latentdiff.Vocabulary | None:
    """The words that named the comparison; None where they are not known any more."""
    given = chosen_vocabulary(run.config.get("form") or {}) or (run.config.get("asked") or {}).get("vocabulary")
    try:
        return vocabulary_for(given, run.sides["A"].dataset, stored, progress)
    except LatentDiffError:
        return None  # a file that was moved: centring sharpens the answer, it does not make it


def read_again(run: ComparisonRun, side: str, progress: Progress) -> tuple[Side, Vectors]:
    """A side and the vectors of its images, in the comparison's order."""
    place = run.sides[side]
    view = place.select([str(i) for i in place.ids], ordered=False)
    resolved = resolve(side, view, run.dataset, run.config["embeddings"])
    read = read_vectors(resolved, progress)
    at = {name: row for row, name in enumerate(read.ids.tolist())}
    missing = [name for name in place.ids.tolist() if name not in at]
    if missing:
        raise InputError(f"{len(missing)} of the images of {place.name!r} are gone, or have no vector any more; compare again")
    rows = np.array([at[name] for name in place.ids.tolist()])
    return resolved, Vectors(read.ids[rows], read.samples[rows], read.values[rows], read.missing, read.repeated)


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
    groups: str | None = None,
    progress: Progress | None = None,
) -> list[tuple[latentdiff.Verification, list[str], list[str]]]:
    """How many images of each view show a phrase, does it tell them apart, and which samples show it best. Writes nothing.

    A ``UserWarning`` says which images of the views were left out.

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
        groups: field of the samples whose value says which are no independent evidence, as
            :func:`~fiftyone_plugin.comparing.compare_views` takes it; patches go by the sample that they are of.
        progress: ``progress(fraction, label)``; raise :class:`latentdiff.Cancelled` in it to stop.

    Returns:
        Per phrase, its :class:`latentdiff.Verification`, and the ids of the samples (labels, for patches) of A and of B that show it
        best, best first.

    Raises:
        InputError: views, fields, vectors or phrases that cannot be used.
    """
    report = progress or silent
    request = latentdiff.CompareRequest(
        DatasetView(dataset, view_a),
        DatasetView(dataset, view_b),
        encoder=encoder,
        vocabulary=vocabulary,
        embeddings=embeddings,
        groups=groups,
    )
    request.check_question()
    opened = _open(request, part(report, 0.0, 0.8))
    vectors = opened.a.vectors, opened.b.vectors
    found = answers(*vectors, phrases, opened.encoder, opened.vocabulary, images, opened.groups, part(report, 0.8, 1.0))
    say_left_out(opened)
    ids_a, ids_b = opened.items
    return [(v, ids_a[list(v.rows_a)].tolist(), ids_b[list(v.rows_b)].tolist()) for v in found]


def open_views(request: latentdiff.CompareRequest, progress: Progress) -> Opened:
    """Vectors and files of both views of a request, the text encoder and the words: what the command line asks with."""
    sides, read, counts = _read(request, part(progress, 0.0, 0.7))
    items = []
    for side, own in zip(sides, read, strict=True):
        path = dict(zip(*side.dataset.values(["id", "filepath"]), strict=True))
        items.append([path[i] for i in own.samples.tolist()])
    return _with_language(request, sides, read, items, counts, part(progress, 0.7, 1.0))


def _open(request: latentdiff.CompareRequest, progress: Progress) -> Opened:
    """The same, with the ids of samples or labels in place of files."""
    sides, read, counts = _read(request, part(progress, 0.0, 0.7))
    return _with_language(request, sides, read, [own.ids for own in read], counts, part(progress, 0.7, 1.0))


def _read(
    request: latentdiff.CompareRequest, progress: Progress
) -> tuple[tuple[Side, Side], tuple[Vectors, Vectors], dict[str, Any]]:
    """The sides, their vectors, and what was left out of them."""
    sides, read, record = comparable(*named_views(request), str(request.embeddings), True, progress)
    return sides, read, left_out_of(record)


def _with_language(
    request: latentdiff.CompareRequest,
    sides: tuple[Side, Side],
    read: tuple[Vectors, Vectors],
    items: list[Any],
    counts: dict[str, Any],
    progress: Progress,
) -> Opened:
    """The text encoder of the vectors, where it is known, and the words on which phrases are centred."""
    dataset, stored, encoder, given = sides[0].dataset, sides[0].stored, None, request.vocabulary
    if request.encoder is not None:
        encoder = open_encoder(request.encoder)[0]
    elif encoders.recorded(dataset, stored) is not None:
        encoder = encoders.rebuild(dataset, stored)
    given = COMMON if given is None and encoder is not None else given
    words = open_vocabulary(given, request.vocabulary_vectors, lambda: encoder or encoders.rebuild(dataset, stored), progress)
    a, b = (OpenSide(own.values, names) for own, names in zip(read, items, strict=True))
    return Opened(a, b, (sides[0].name, sides[1].name), encoder, words, counts, groups_of(sides, read, request.groups))
