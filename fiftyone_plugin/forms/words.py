"""Inputs that say by which words differences are named."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from latentdiff.errors import LatentDiffError, sentence
from latentdiff.inputs.named import COMMON

from .. import allowed, encoders
from ..encoders import EARLIER_WORDS, LISTED, MOST_LISTED, OWN_WORDS, TYPED, typed_words, word_file
from ..store import runs
from .common import choose, choose_run, reject

NO_WORDS, TOLD_WORDS = "none", 3


def choose_vocabulary(inputs: Any, dataset: Any, params: dict[str, Any], *, unnamed: bool = True) -> None:
    """Where the names of differences come from.

    The package's words and words that are typed, where the vectors' encoder is recorded; those of earlier comparisons; a file; or nowhere.

    Args:
        inputs: of the form.
        dataset: ``fo.Dataset``.
        params: what was answered so far.
        unnamed: whether nowhere is offered.
    """
    stamp = encoders.recorded(dataset, str(params.get("embeddings") or ""))
    known = bool(stamp and stamp.source)
    choices = {COMMON: "Common English words"} if known else {}
    choices |= _earlier_words(dataset, params.get("embeddings"), known)
    choices |= {NO_WORDS: "None: differences are numbered, not named"} if unnamed else {}
    choices |= {OWN_WORDS: "A file of words", **({TYPED: "Words that I type"} if known else {})}
    text = "The words that differences are named by"
    if not known and params.get("embeddings"):
        text += "; once “LatentDiff: say which encoder made vectors” knows their encoder, common words can be chosen, and others typed"
    prop = choose(inputs, "words", "Words", list(choices), labels=list(choices.values()), description=text, empty="")
    prop.default, prop.required = next(iter(choices)), False  # callers without a browser need name no more than the file
    if params.get("words") == TYPED:
        _type_words(inputs, params)
    elif params.get("words") == OWN_WORDS or (params.get("vocabulary") and not params.get("words")):
        described = "An .npz with 'words' and their 'vectors' from the same encoder; or a text file, one word or phrase a line"
        file = inputs.str("vocabulary", label="Word file", description=described, required=True)
        problem = _file_problem(params.get("vocabulary"), stamp)
        if problem:
            reject(file, problem)
    elif word_file(params):
        problem = _file_problem(word_file(params), stamp)
        if problem:
            reject(prop, problem)


def _earlier_words(dataset: Any, embeddings: Any, known: bool) -> dict[str, str]:
    """Files and short lists that named earlier comparisons of the same vectors, newest first, each with the comparison that it named."""
    found: dict[str, str] = {}
    for run in runs.list_comparisons(dataset):
        given = (run.config.get("asked") or {}).get("vocabulary") or word_file(run.config.get("form") or {})
        if run.config.get("embeddings") != embeddings:
            continue
        if isinstance(given, list) and known and _fits(given):
            few = given if len(given) <= TOLD_WORDS + 1 else [*given[:TOLD_WORDS], f"{len(given) - TOLD_WORDS} more"]
            found.setdefault(LISTED + "\n".join(given), f"The words of {run}: {', '.join(few)}")
        elif isinstance(given, str) and given != COMMON and Path(given).is_file() and (known or Path(given).suffix == ".npz"):
            found.setdefault(f"{EARLIER_WORDS}{given}", f"The words of {run}: {Path(given).name}")
    return found


def _fits(words: list[Any]) -> bool:
    """Whether a form can carry them, one a line."""
    return 2 <= len(words) <= MOST_LISTED and all(isinstance(word, str) and "\n" not in word for word in words)


def _type_words(inputs: Any, params: dict[str, Any]) -> None:
    described = "Two or more, with commas between them: dog, a red kite, snow. A short list takes part in the verdict"
    prop = inputs.str("typed", label="Words", description=described, required=True)
    if params.get("typed") and len(typed_words(params["typed"])) < 2:
        reject(prop, "Type two words or more, with commas between them.")


def _file_problem(path: Any, stamp: encoders.Stamp | None) -> str | None:
    if not path:
        return None
    file = Path(str(path)).expanduser()
    why = allowed.problem(allowed.file, path)
    if why:
        return why
    if not file.is_file():
        return f"There is no file {file}."
    if file.suffix != ".npz" and not (stamp and stamp.source):
        return "Name an .npz file with vectors: the encoder of these image vectors is not recorded, so words alone have none."
    return None


def choose_unfinished(inputs: Any, dataset: Any, params: dict[str, Any]) -> None:
    """A stored comparison that has a first answer only."""
    from ..naming import cannot_finish

    _choose_run_that(cannot_finish, inputs, dataset, params)


def choose_words_of_run(inputs: Any, dataset: Any, params: dict[str, Any]) -> None:
    """A stored comparison, and the words that its differences are to be named by."""
    from ..naming import cannot_name

    run = _choose_run_that(cannot_name, inputs, dataset, params)
    if run is not None:
        choose_vocabulary(inputs, dataset, {**params, "embeddings": run.config["embeddings"]}, unnamed=False)


def _choose_run_that(cannot: Callable[[Any], str | None], inputs: Any, dataset: Any, params: dict[str, Any]) -> Any:
    """A drop-down of stored comparisons; the one that is chosen, where ``cannot`` says nothing against it, else None."""
    from ..hypotheses import open_comparison

    chosen = choose_run(inputs, dataset, complete=True)
    if not params.get("run") or chosen.invalid:
        return None
    try:
        run = open_comparison(dataset, str(params["run"]))
        problem = cannot(run)
    except LatentDiffError as e:
        problem = sentence(e)
    if problem:
        reject(chosen, problem)
    return None if problem else run
