"""Words for a comparison that was made without, or with others: it is made again, with the same choices and the new words."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import latentdiff
from latentdiff.errors import InputError, sentence
from latentdiff.inputs.named import COMMON, DatasetView
from latentdiff.progress import Progress, silent
from latentdiff.sae.kept import PREFIX
from latentdiff.sae.spaces import PAIR

from .comparing import compare_again
from .encoders import OWN_WORDS, TYPED
from .requests import HANDED_OVER, asked_of
from .store.run import ComparisonRun
from .store.runs import load_comparison
from .store.summary import RunSummary


def name_comparison(
    dataset: Any,
    run: str,
    vocabulary: latentdiff.Vocabulary | str | Path | Sequence[str],
    *,
    sae: latentdiff.SparseAutoencoder | str | Path | None = None,
    progress: Progress | None = None,
) -> ComparisonRun:
    """Give a stored comparison words, or other ones: the same images are compared again with the same choices, under the same name.

    The comparison's own SAE is found again in the cache, whatever encoder was recorded since, so that concepts and their tests stay;
    phrases come on top, and a list of at most 500 words takes part in the verdict. What was left out and what was said of findings are
    kept.

    Args:
        dataset: ``fo.Dataset`` or its name.
        run: the comparison's name.
        vocabulary: words, as :func:`~fiftyone_plugin.compare_views` takes them.
        sae: the sparse autoencoder, where it was handed over as an object and cannot be found by a name.
        progress: ``progress(fraction, label)``; raise :class:`latentdiff.Cancelled` in it to stop.

    Returns:
        The comparison as it is stored now.

    Raises:
        RunError: there is no such run, or a side's dataset was deleted. InputError: a comparison by another method, one whose SAE or known
            differences were handed over as objects, one whose SAE is gone, or words that cannot be used. The stored comparison is as it
            was then.

    Example:
        >>> name_comparison(dataset, "summer_vs_winter", "common").hypotheses[0].text
        'a red kite'
    """
    stored = load_comparison(dataset, run)
    _refuse_going_on(stored)
    if vocabulary is None:
        raise InputError("name the words: 'common', a file, a list of words, or a Vocabulary")
    request = _request(stored, vocabulary, sae)
    asked = asked_of(request)
    if sae is None:
        asked["sae"] = _asked(stored)["sae"]
    form = {**(stored.config.get("form") or {}), **_answers(asked["vocabulary"])}
    return compare_again(stored, request, {"form": form, "asked": asked}, progress or silent)


def finish_comparison(dataset: Any, run: str, *, progress: Progress | None = None) -> ComparisonRun:
    """Make the final answer of which a first one is stored, where that was stopped or failed: the same images, choices and words.

    Args:
        dataset: ``fo.Dataset`` or its name.
        run: the comparison's name.
        progress: ``progress(fraction, label)``; raise :class:`latentdiff.Cancelled` in it to stop.

    Returns:
        The comparison as it is stored now, with what was said of the first answer's findings.

    Raises:
        RunError: there is no such run, or a side's dataset was deleted. InputError: it has its final answer, or is getting it, or not all
            that it was asked for is known by a name: objects that were handed over, captions.
    """
    stored = load_comparison(dataset, run)
    refuse_to_finish(stored)
    asked = _asked(stored)
    said = {"form": stored.config.get("form"), "asked": asked}
    return compare_again(stored, _request(stored, asked["vocabulary"], None), said, progress or silent)


def refuse_to_finish(stored: ComparisonRun) -> None:
    """Raise an ``InputError`` that says why :func:`finish_comparison` cannot, where it cannot."""
    summary = RunSummary(stored.name, stored.config)
    if not summary.provisional:
        raise InputError(f"comparison {stored.name!r} is no first answer: there is nothing to finish")
    _refuse_going_on(stored)
    asked = _known(stored, None)
    if asked.get("described"):
        raise InputError(f"comparison {stored.name!r} was to have captions or a language model: compare the views again, with them")
    if asked["vocabulary"] == HANDED_OVER:
        words = f"name_comparison(dataset, {stored.name!r}, words)"
        raise InputError(f"the words of comparison {stored.name!r} were handed over as an object; in Python: {words}")


def _refuse_going_on(stored: ComparisonRun) -> None:
    if RunSummary(stored.name, stored.config).going_on:
        raise InputError(f"the final answer of comparison {stored.name!r} is being made; wait for it")


def cannot_finish(stored: ComparisonRun) -> str | None:
    """Why a first answer cannot be finished, in a sentence; None where it can."""
    try:
        refuse_to_finish(stored)
    except InputError as e:
        return sentence(e)
    return None


def cannot_name(stored: ComparisonRun) -> str | None:
    """Why a comparison cannot be given words without further help, in a sentence; None where it can."""
    try:
        _refuse_going_on(stored)
        _known(stored, None)
    except InputError as e:
        return sentence(e)
    return None


def _known(stored: ComparisonRun, sae: Any) -> dict[str, Any]:
    """What it was asked for, with the SAE in use.

    Raises:
        InputError: some of it is not known.
    """
    asked = _asked(stored)
    if stored.comparison.info.get("method"):
        raise InputError(f"comparison {stored.name!r} was made by another method, whose findings are words already")
    asked["sae"] = asked["sae"] if sae is None else sae
    if isinstance(asked["sae"], str) and asked["sae"] == HANDED_OVER:
        raise InputError(f"the SAE of comparison {stored.name!r} is not known by a name; in Python: name_comparison(..., sae=...)")
    if HANDED_OVER in asked["given"]:
        raise InputError(f"comparison {stored.name!r} looks past differences that were handed over as objects; compare again with them")
    return asked


def _request(stored: ComparisonRun, vocabulary: Any, sae: Any) -> latentdiff.CompareRequest:
    asked = _known(stored, sae)
    a, b = (DatasetView(stored.dataset, side.select([str(i) for i in side.ids], ordered=False)) for side in stored.sides.values())
    return latentdiff.CompareRequest(
        a,
        b,
        vocabulary=vocabulary,
        sae=_same_sae(stored, asked["sae"]) if sae is None else sae,
        method=latentdiff.MethodConfig(compare=stored.comparison.config),
        groups=stored.config.get("groups"),
        fields=asked["fields"],
        given=tuple(asked["given"]),
        embeddings=stored.config["embeddings"],
        stored_as=stored.name,
        names=(stored.sides["A"].name, stored.sides["B"].name),
        overwrite=True,
    )


def _same_sae(stored: ComparisonRun, asked: Any) -> Any:
    """What gives the comparison's own SAE again: what was asked for may mean another one now ("the encoder's", once one is recorded)."""
    used = stored.comparison.info.get("sae") or {}
    key = (used.get("kept") or {}).get("key")
    if key and any(sae.key == key for sae in latentdiff.kept_saes()):
        return f"{PREFIX}{key}"
    return PAIR if used.get("trained_here") else asked


def _asked(stored: ComparisonRun) -> dict[str, Any]:
    """What was asked for; of comparisons of earlier versions, what they themselves say of it."""
    if stored.config.get("asked"):
        return dict(stored.config["asked"])
    sae = stored.comparison.info.get("sae") or {}
    named = (stored.config.get("form") or {}).get("sae") or (sae.get("origin") or {}).get("name")
    known = stored.comparison.info.get("given") or {}
    tested = [d.field for d in stored.comparison.tested_fields]
    own = named or (None if sae.get("trained_here") or sae.get("kept") else HANDED_OVER)
    return {"vocabulary": None, "sae": own, "fields": list(dict.fromkeys(tested)) or None, "given": list(known.get("names") or ())}


def _answers(vocabulary: Any) -> dict[str, Any]:
    """The form's answers that say the same words, for comparing again and for questions; none where they were an object."""
    if isinstance(vocabulary, list):
        return {"words": TYPED, "typed": "; ".join(vocabulary), "vocabulary": None}
    if vocabulary in (None, COMMON, HANDED_OVER):
        return {"words": COMMON if vocabulary == COMMON else None, "vocabulary": None}
    return {"words": OWN_WORDS, "vocabulary": vocabulary}
