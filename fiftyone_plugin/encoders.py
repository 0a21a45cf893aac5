"""Which encoder made a vector field: recorded in ``dataset.info``, looked up, and built again."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import latentdiff
from latentdiff.embed.fingerprint import Fingerprint, disagreement
from latentdiff.embed.ranges import NO_RANGES, Ranges
from latentdiff.errors import InputError
from latentdiff.inputs.named import COMMON, open_encoder, open_vocabulary
from latentdiff.progress import Progress

from . import encoders
from .store import database, schema

KEY = "latentdiff_embeddings"
"""Entry of ``dataset.info``: a list of {field, fingerprint, source, deep}. A list, because MongoDB's keys may hold no dots."""

MARK = "latentdiff_encoder"
"""Entry of a field's ``info``, and of its record: :func:`mark_of` its encoder."""
CREATED = "created_at"

Source = tuple[str, str | None]
"""``(name, pretrained)`` of :func:`latentdiff.embed.encoder.load_encoder`."""


@dataclass(frozen=True)
class Stamp:
    """What is known of a field's encoder."""

    fingerprint: Fingerprint
    source: Source | None
    """How to build it again; None where the encoder was handed over as an object."""
    ranges: Ranges = NO_RANGES
    """What is drawn black and white in the deep pictures of the field; of kinds that it has not met, and of earlier versions, none."""


def recorded(dataset: Any, path: str) -> Stamp | None:
    """The encoder recorded for a vector field, as it stands in the database now; None where none is.

    A field that was renamed keeps its record, and one that was made anew under the name of another does not get that one's.
    """
    entries, stored = _entries(dataset), schema.stored(dataset, path)
    own = [e for e in entries if stored is not None and _is_of(e, stored)]
    named = [e for e in (*own, *(e for e in entries if not _told_apart(e))) if e["field"] == path]
    for entry in named or own:
        source = entry.get("source")
        built = (source[0], source[1]) if source else None
        return Stamp(dict(entry["fingerprint"]), built, Ranges.from_dict(entry.get("deep")))
    return None


def name_of(side: Any) -> str | None:
    """What people know the encoder of a side's vectors by: the name that it was loaded by, of a path the last part; else its model's.

    None where no encoder is recorded.
    """
    stamp = recorded(side.dataset, side.stored)
    if stamp is None:
        return None
    asked = stamp.source[0] if stamp.source else str(stamp.fingerprint.get("model") or "")
    return Path(asked).name if Path(asked).is_absolute() else asked


def record(dataset: Any, path: str, stamp: Stamp) -> None:
    """Record a field's encoder, in place of what was recorded for it, and leave the records of other fields alone."""
    stored = schema.stored(dataset, path)
    entry: dict[str, Any] = {"field": path, "fingerprint": dict(stamp.fingerprint), "source": list(stamp.source) if stamp.source else None}
    entry |= stamp.ranges.as_info()
    marked: dict[str, Any] = {}
    filters: list[dict[str, str]] = []
    if stored is not None:
        entry |= {MARK: mark_of(stamp), CREATED: str(stored.get("created_at") or "")}
        marked, filters = schema.entry_change(path, stored, MARK, entry[MARK])
    datasets, own, entries = database.journaled("datasets"), {"_id": database.identity(dataset)}, f"info.{KEY}"
    if (moved := _moved(dataset, path, stored)) is not None:
        datasets.update_one({**own, f"{entries}.field": path}, {"$set": {f"{entries}.$.field": moved}})
    change = {"$set": {f"{entries}.$[own]": entry, **marked}}  # the record and the field's mark are one change
    if not datasets.update_one({**own, f"{entries}.field": path}, change, array_filters=[{"own.field": path}, *filters]).matched_count:
        change = {"$push": {entries: entry}, **({"$set": marked} if marked else {})}
        datasets.update_one({**own, f"{entries}.field": {"$ne": path}}, change, array_filters=filters or None)
    database.refresh(dataset)


def _moved(dataset: Any, path: str, stored: dict[str, Any] | None) -> str | None:
    """Where the field is now whose record bears this name, if it was renamed since; None where there is no such record or field."""
    for entry in _entries(dataset):
        if entry["field"] == path and _told_apart(entry) and not (stored is not None and _is_of(entry, stored)):
            return next((other for other, own in schema.walk(dataset) if other != path and _is_of(entry, own)), None)
    return None


def mark_of(stamp: Stamp) -> str:
    """What a field's ``info`` says of its encoder, and of the range of its deep pictures: renaming and copying keep it."""
    said = {**stamp.fingerprint, **stamp.ranges.as_info()}
    return hashlib.sha256(json.dumps(said, sort_keys=True, default=str).encode()).hexdigest()[:16]


def _told_apart(entry: dict[str, Any]) -> bool:
    """Whether a record says of which field it is by more than a name; those of earlier versions do not."""
    return MARK in entry


def _is_of(entry: dict[str, Any], stored: dict[str, Any]) -> bool:
    """Whether a record is of a field: by its mark, or where people replaced the field's ``info`` by when it was made."""
    if not _told_apart(entry):
        return False
    created = entry.get(CREATED)
    return bool((stored.get("info") or {}).get(MARK) == entry[MARK] or (created and created == str(stored.get("created_at"))))


def rebuild(dataset: Any, path: str) -> Any:
    """The encoder that made a field, built again from its record.

    Raises:
        InputError: nothing is recorded, or it was handed over as an object, or what it is built from has changed.
    """
    stamp = recorded(dataset, path)
    if stamp is None or stamp.source is None:
        why = "no encoder is recorded for it" if stamp is None else "its encoder was given as an object, not by name"
        raise InputError(
            f"the text encoder of field {path!r} is not known: {why}. Call declare_embeddings(dataset, {path!r}, encoder) with its name, "
            "or pass a vocabulary that has vectors"
        )
    encoder, _ = open_encoder(stamp.source)
    different = disagreement(encoder.fingerprint, stamp.fingerprint, precision=False)
    if different:
        raise InputError(f"{stamp.source[0]!r} is no longer the encoder that made field {path!r}: {different}; compute the field again")
    return encoder


def check_agree(ours: Fingerprint | None, theirs: Fingerprint | None, what: str) -> None:
    """Refuse two things of different encoders; numbers of another precision agree well enough, and an unknown encoder may be the same.

    Raises:
        InputError: with ``what`` does not fit together, and the first difference.
    """
    if ours and theirs:
        different = disagreement(ours, theirs, precision=False)
        if different:
            raise InputError(f"{what} are of different encoders: {different}")


def _entries(dataset: Any) -> list[dict[str, Any]]:

    stored = database.read().datasets.find_one({"_id": database.identity(dataset)}, {f"info.{KEY}": 1}) or {}
    entries = (stored.get("info") or {}).get(KEY)
    return [e for e in entries if isinstance(e, dict) and "field" in e and "fingerprint" in e] if isinstance(entries, list) else []


OWN_WORDS = "file"
"""Stands in forms for a file of the user's words, as :data:`COMMON` does for the word list that comes with the package."""
TYPED, EARLIER_WORDS = "typed", "words of "
"""The same for words typed into the form, and, before its path, for a file by which an earlier comparison of the vectors was named."""
LISTED, MOST_LISTED = "words: ", 500
"""Before words themselves, one a line, by which an earlier comparison was named; and how many of them a form carries at most."""


def vocabulary_for(given: Any, dataset: Any, path: str, progress: Progress, vectors: Any = None) -> latentdiff.Vocabulary | None:
    """The vocabulary for a vector field, see :func:`~latentdiff.inputs.named.open_vocabulary`.

    Words without vectors are given some by the encoder that is recorded for the field.

    Args:
        given: a vocabulary; None; a file; "common"; or a list of words.
        dataset: ``fo.Dataset`` that holds the field.
        path: path of the vectors.
        progress: reports the encoding of words, where there is any.
        vectors: file of a text file's vectors.

    Raises:
        InputError: words that cannot be used, or no encoder is recorded where one is needed.
    """
    return open_vocabulary(given, vectors, lambda: encoders.rebuild(dataset, path), progress)


def chosen_vocabulary(params: dict[str, Any]) -> str | tuple[str, ...] | None:
    """What a form was answered of words, as ``compare_views`` takes it."""
    if params.get("words") == TYPED:
        return typed_words(params.get("typed"))
    if str(params.get("words") or "").startswith(LISTED):
        return tuple(str(params["words"]).removeprefix(LISTED).split("\n"))
    return word_file(params) or (COMMON if params.get("words") == COMMON else None)


def word_file(params: dict[str, Any]) -> str | None:
    """The file of words that a form was answered with."""
    words = str(params.get("words") or OWN_WORDS)
    if words.startswith(EARLIER_WORDS):
        return words.removeprefix(EARLIER_WORDS)
    return str(params["vocabulary"]) if params.get("vocabulary") and words == OWN_WORDS else None


def typed_words(text: Any) -> tuple[str, ...]:
    """Words that were typed, with commas, semicolons or line ends between them; each once."""
    return tuple(dict.fromkeys(word.strip() for word in re.split(r"[,;\n]", str(text or "")) if word.strip()))
