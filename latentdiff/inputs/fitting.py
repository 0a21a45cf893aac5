"""What goes together in a request: every rule, once, in the words of all who can ask (an option's name stands in brackets)."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ..embed.grouping import group_numbers
from ..errors import InputError
from .field_files import MEASURED
from .folders import ImageSide
from .named import OF_IMAGES, DatasetView, needs_encoder

Refusal = tuple[str, str]
NO_GROUPS = (
    "what is given (--given) is held equal between images that may change sides one by one within what they are alike in; images of one "
    "group change sides together, alike in it or not: leave groups and pairs out, or what is given. What a whole group shares, "
    "its camera or its place, is looked past by comparing the groups that have it"
)
"""Why both cannot be asked for: no relabelling keeps groups whole and strata balanced."""

TABLE, VIEWS, PARQUET = ("table", "table"), ("view", "view"), ("parquet", "parquet")
"""Kinds of two sides that are opened in a way of their own."""


def known_of(given: Any) -> tuple[Any, ...]:
    """What is to be looked past, as a tuple; nothing where it is None.

    Raises:
        InputError: a single text, or no list at all.
    """
    if isinstance(given, (str, bytes)):
        raise InputError(f"given is the single text {given!r}; pass a list: given=[{given!r}]")
    if given is not None and not hasattr(given, "__iter__"):
        raise InputError(f"given is a list of what is known (phrases, fields, findings, pairs of arrays), not {type(given).__name__}")
    return () if given is None else tuple(given)


def refusals(request: Any, kinds: tuple[str, str], config: Any) -> Iterator[Refusal]:
    """Why a comparison cannot be made as it is asked for, the first thing first; nothing where all fits.

    Each is the choice that is to be changed (a field of the request, or of its engine) and the reason, in words for people.

    Args:
        request: a :class:`latentdiff.request.CompareRequest`.
        kinds: of its sides.
        config: its ``MethodConfig``.
    """
    yield from of_sides(request, kinds)
    names = request.names
    if names is not None and not (isinstance(names, (list, tuple)) and len(names) == 2 and all(isinstance(n, str) and n for n in names)):
        yield "names", f"names are what people call A and B: two texts, not {names!r}"
    yield from _of_engine(request.engine, kinds, config)
    if kinds == PARQUET and config.method != "latentdiff":
        yield "method", f"the method {config.method} (--method) needs the vectors in memory; give .npy files or folders"
    if kinds == PARQUET and config.describe is not None:
        yield "captions", "captions and language models (--captions, --captioner, --llm-url) need the images; for Parquet leave them out"
    if kinds == VIEWS and request.encoder is not None:
        yield "encoder", "an encoder (--encoder) is for folders of images; a dataset's vectors are in a field (--embeddings FIELD)"
    if request.sae not in (None, "pair", "kept") and request.sae_trainer:
        yield "sae_trainer", "a kind of SAE (--sae-trainer) is for the one that is trained where --sae names none; leave one of them out"
    if request.sae_trainer and config.method != "latentdiff":
        yield "sae_trainer", f"the method {config.method} has no sparse autoencoder; leave its kind out (--sae-trainer)"
    yield from _of_texts(request, kinds, config)
    yield from of_groups(request, kinds)
    yield from _of_words(request, kinds)
    yield from _of_fields(request, kinds)
    grouped, words = request.groups is not None or request.paired, request.vocabulary is not None or request.encoder is not None
    beside = request.fields is not None or len(request.given) > 0
    yield from config.refusals(sae=request.sae is not None, words=words, groups=grouped, fields=beside)


def of_sides(request: Any, kinds: tuple[str, str]) -> Iterator[Refusal]:
    """The same of the sides and of where they lie: what a question by words has to keep to as well."""
    a, b = request.a, request.b
    if kinds == TABLE and Path(a).suffix.lower() != ".csv":
        alone = f"{os.fspath(a)!r} alone is no comparison"
        yield "b", f"{alone}; name the other side too, or a .csv with the columns path and group_name"
    if "view" in kinds and kinds != VIEWS:
        yield "b", "one side is a dataset's view and the other is not; name two views, or two files or folders"
    if "parquet" in kinds and kinds != PARQUET:
        yield "b", "both sides must be Parquet (a file, a folder or a URI) where one is"
    if request.columns and kinds != PARQUET:
        yield "columns", "columns (--id, --vector) are those of Parquet; leave them out"
    if isinstance(a, ImageSide) and isinstance(b, ImageSide) and a.paths == b.paths:
        yield "b", "both sides are the same images; name two different sets"
    if isinstance(a, DatasetView) and isinstance(b, DatasetView):
        if isinstance(a.view, str) and a.view == b.view and _name(a.dataset) == _name(b.dataset):
            yield "b", f"both sides are the saved view {a.view!r}; choose two different views"
    elif isinstance(a, (str, os.PathLike)) and isinstance(b, (str, os.PathLike)) and _same(a, b):
        what = {"view": "view", "folder": "folder", "parquet": "Parquet"}.get(kinds[0], "file")
        yield "b", f"both sides are the same {what}; name two different ones"
    if kinds == VIEWS and not request.embeddings:
        yield "embeddings", "name the datasets' vector field (--embeddings FIELD)"
    if request.table_sides and kinds != TABLE:
        yield "table_sides", "two groups (--sides) are those of one .csv; name that file alone"
    if kinds != VIEWS and (request.embeddings or request.stored_as):
        yield "embeddings", "a vector field and a run's name (--embeddings, --run) are for datasets; else save to a folder (--save FOLDER)"


def of_language(request: Any, kinds: tuple[str, str]) -> Iterator[Refusal]:
    """An encoder that is needed for images, or for words without vectors, where no dataset has recorded one."""
    words = needs_encoder(request.vocabulary, request.vocabulary_vectors)
    if request.encoder is None and kinds != VIEWS and (words or OF_IMAGES & {*kinds}):
        yield "encoder", "folders of images, and words without vectors, need an encoder: --encoder NAME, or encoder="


def _of_words(request: Any, kinds: tuple[str, str]) -> Iterator[Refusal]:
    given, vectors = request.vocabulary, request.vocabulary_vectors
    if vectors is not None and (not isinstance(given, (str, os.PathLike)) or os.fspath(given).endswith(".npz")):
        yield "vocabulary_vectors", "vectors of words (--vocabulary-vectors) go with a text file of them (--vocabulary); leave them out"
    if isinstance(given, (list, tuple)) and len(given) < 2:
        yield "vocabulary", "one word of your own is not enough to choose from; name at least two"
    yield from of_language(request, kinds)


def _of_engine(engine: Any, kinds: tuple[str, str], config: Any) -> Iterator[Refusal]:
    if engine.kind == "local":
        return
    if kinds not in (VIEWS, PARQUET):
        yield "engine", "the engine ray (--engine) takes Parquet or views; leave it out, or embed the images first (latentdiff embed)"
    if config.method != "latentdiff" or config.describe is not None:
        yield "engine", "baselines and captions run on this machine; leave them out, or choose the engine local"
    if kinds == PARQUET and engine.exchange:
        yield "exchange", "an exchange folder (--exchange) is for views; the cluster reads Parquet where it lies"
    if kinds == VIEWS and engine.elsewhere and not engine.exchange:
        yield "exchange", f"name a folder or URI that the cluster at {engine.address} can read, for the vectors: exchange (--exchange)"


def of_groups(request: Any, kinds: tuple[str, str]) -> Iterator[Refusal]:
    if kinds == VIEWS and request.paired:
        yield "paired", "pairs (--paired) are for files and folders, whose rows have an order; views have none"
    if kinds == VIEWS and not isinstance(request.groups, (str, type(None))):
        yield "groups", "groups of views (--groups) are told by one field of their datasets"
    if kinds != VIEWS and (isinstance(request.groups, str) or (request.groups is not None and len(request.groups) != 2)):
        yield "groups", "--groups names two files here, of A's rows and of B's, with one label a line; in Python: two sequences of labels"
    elif kinds == ("array", "array"):
        yield from _of_rows(request)


def _of_rows(request: Any) -> Iterator[Refusal]:
    """Labels and pairs that do not go with the rows of two arrays; what lies in files is counted when it is read."""
    a, b = request.groups or (None, None)
    if any(isinstance(labels, (str, os.PathLike)) for labels in (a, b)):
        return
    try:
        group_numbers(a, b, request.paired, (len(request.a), len(request.b)))
    except InputError as e:
        yield "paired" if request.paired else "groups", str(e)


def _of_fields(request: Any, kinds: tuple[str, str]) -> Iterator[Refusal]:
    fields, given = request.fields, request.given
    if isinstance(given, (str, bytes)):
        yield "given", f"given is a list of what is known: [{given!r}]"
    if len(given) and (request.groups is not None or request.paired):
        yield "given", NO_GROUPS
    if kinds == PARQUET:
        yield from _of_columns(fields)
        return
    pair = isinstance(fields, (list, tuple)) and len(fields) == 2
    if kinds != VIEWS and fields is not None and not pair and not isinstance(fields, (str, os.PathLike)):
        yield "fields", "fields are two mappings or tables, of A's rows and of B's, one table with a column path, or measures (--fields)"


def _of_columns(fields: Any) -> Iterator[Refusal]:
    several = isinstance(fields, (list, tuple)) and len(fields) > 0
    named = isinstance(fields, str) or (several and all(isinstance(name, str) for name in fields))
    mappings = several and len(fields) == 2 and all(isinstance(side, Mapping) for side in fields)
    if fields is not None and not named and not mappings:
        yield "fields", "fields of Parquet are its other columns, all or some by name (--fields), or two mappings with a value per row"
    elif fields == MEASURED:
        yield "fields", "measures (--fields measures) are those of pictures, and Parquet holds their vectors; name its columns"


def _of_texts(request: Any, kinds: tuple[str, str], config: Any) -> Iterator[Refusal]:
    named = kinds in (TABLE, VIEWS) or {*kinds} <= OF_IMAGES
    captioner = config.describe.captioner if config.describe is not None else "vocabulary"
    if not named and (config.looks or request.captions is not None or request.prompts is not None):
        yield "captions", "captions need the images: compare folders or views, not vectors alone; the captioner vocabulary needs no more"
    if "zip" in kinds and (request.captions is not None or request.prompts is not None):
        yield "captions", "captions and prompts go by the images' files, which a .zip has not; unpack it and name the folder"
    if captioner == "given" and request.captions is None:
        yield "captions", "the captions that exist are missing: name their file (--captions FILE) or field, or another captioner"
    if request.captions is not None and captioner != "given":
        yield "captions", f"captions are given, and the captioner {captioner!r} of the method {config.method} reads none; leave them out"
    if config.proposer == "paired-prompts" and request.prompts is None:
        yield "prompts", "paired-prompts needs the prompts from which the images were generated: --prompts FILE, or prompts="
    if request.prompts is not None and config.proposer != "paired-prompts":
        yield "prompts", "prompts (--prompts) are read by VisDiff's proposer paired-prompts alone; leave them out, or choose it"


def _name(dataset: Any) -> str:
    return dataset if isinstance(dataset, str) else dataset.name


def _same(a: str | os.PathLike, b: str | os.PathLike) -> bool:
    return os.path.normpath(os.fspath(a)) == os.path.normpath(os.fspath(b))
