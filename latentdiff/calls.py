"""The calls for what most people have: folders of images, and a question."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .comparing.asking import answers
from .config import CompareConfig, takes_config
from .errors import InputError
from .inputs.fitting import TABLE
from .inputs.named import OF_IMAGES
from .inputs.opening import Opened, add_left_out
from .methods.config import MethodConfig, method_of
from .progress import First, Progress, part, silent, then
from .report import write_report
from .report.content import left_out
from .request import CompareRequest
from .results.comparison import Comparison
from .stats.verification import Verification


@takes_config()
def compare_folders(
    a: Any,
    b: Any = None,
    *,
    encoder: Any = "fast",
    vocabulary: Any = None,
    sae: Any = None,
    config: CompareConfig | MethodConfig | None = None,
    captions: Any = None,
    names: tuple[str, str] | None = None,
    report: str | Path | None = None,
    key: str | None = None,
    progress: Progress | None = None,
    first: First | None = None,
) -> Comparison:
    """How do two folders of images differ?

    Args:
        a: a folder or ``.zip`` of images, or a list of image files; alone, a ``.csv`` with the columns ``path`` and ``group_name``.
        b: the other set; None where ``a`` is such a table.
        encoder: what :func:`latentdiff.load_encoder` takes ("fast", "paper", "demo", a model's name or folder), a pair (name, weights), or
            an encoder.
        vocabulary: words to name differences by: a ``Vocabulary``, a list of words, a file of them; None: 20,000 common words.
        sae: a sparse autoencoder of that encoder, or what :func:`latentdiff.load_sae` takes; "kept": the one that is kept
            for the encoder; "pair": one that is trained on both sets alone; None: of few images the latter, of many the former.
        config: level, seed, whether bad images are left out, and every other choice; a ``MethodConfig``
            also chooses the method, captions and a language model.
        captions: captions by file path, or a file of them (CSV with ``path,caption``, or JSON lines).
        names: what people call the two sets; None: the folders' names.
        report: file to write a report with thumbnails to, as :func:`latentdiff.write_report`.
        key: of the server that ``config`` names; None: from the environment.
        progress: ``progress(fraction, label)``.
        first: given a first answer, as :func:`latentdiff.compare` takes it.

    Raises:
        InputError: sets or choices that cannot be used. EncoderError, CheckpointError: a model that cannot be loaded.

    Example:
        >>> comparison = compare_folders("summer/", "winter/", config=CompareConfig(alpha=0.01), report="report.html")
    """
    request = CompareRequest(
        a, b, encoder=encoder, vocabulary=vocabulary, sae=sae, method=method_of(config), captions=captions, names=names, key=key
    )
    if request.kinds != TABLE and not {*request.kinds} <= OF_IMAGES:
        raise InputError("compare_folders takes images: folders, .zip files, lists of files, or a .csv; for vectors use compare")
    outcome = request.run(progress, then(lambda early: early.comparison, first))
    if report is not None:
        write_report(outcome.comparison, report, images=outcome.items, names=outcome.names)
    return outcome.comparison


def ask(
    a: Any,
    b: Any,
    phrases: str | Sequence[str],
    *,
    encoder: Any = None,
    vocabulary: Any = None,
    images: int = 10,
    groups: Any = None,
    paired: bool = False,
    progress: Progress | None = None,
) -> list[Verification]:
    """How many images of each side show a phrase, does it tell the sides apart, and which images show it best?

    Args:
        a, b: as :class:`CompareRequest` takes them, but for views (:func:`fiftyone_plugin.ask_views`).
        phrases: a phrase or several, such as "a red kite".
        encoder: of images and phrases, as :func:`compare_folders` takes it; None, for vectors:
            phrases are made of the vocabulary's words.
        vocabulary: words on whose mean phrases are centred, as :func:`compare_folders` takes them.
        images: rows listed, per side, >= 0.
        groups: (labels of A's rows, of B's), sequences or files with one a line, where images are not independent of each
            other (frames of a scene): p and q count groups then.
        paired: row i of A and row i of B are one thing seen twice.
        progress: ``progress(fraction, label)``.

    Returns:
        One verification a phrase: rates, AUROC, p, q over all phrases, and the rows that show it best. A ``UserWarning`` says which
        images were left out: those on both sides, listed twice, or in formats that are not read.

    Raises:
        InputError: sides, words or phrases that cannot be used.

    Example:
        >>> (found,) = ask("summer/", "winter/", "a red kite", encoder="fast")
        >>> found.rate_a, found.rate_b, found.auroc, found.q_value
    """
    report = progress or silent
    opened = CompareRequest(a, b, encoder=encoder, vocabulary=vocabulary, groups=groups, paired=paired).open(part(report, 0.0, 0.8))
    say_left_out(opened)
    own, vectors = [phrases] if isinstance(phrases, str) else phrases, (opened.a.vectors, opened.b.vectors)
    return answers(*vectors, own, opened.encoder, opened.vocabulary, images, opened.groups, part(report, 0.8, 1.0))


def say_left_out(opened: Opened) -> None:
    """Warn of images that are not asked, since a list of answers has no place for them."""
    info: dict[str, Any] = {}
    add_left_out(info, opened.left_out)
    notes = left_out(info, opened.names)
    if notes:
        warnings.warn("; ".join(notes), stacklevel=3)
