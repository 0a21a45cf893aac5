"""What a dataset knows of its images, as columns that can be tested: read in bulk, by one raw projection, no sample ever built."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from latentdiff.compute.ahead import ahead
from latentdiff.compute.garbage import no_search_for_cycles
from latentdiff.errors import InputError
from latentdiff.results.fields import FieldDifference

from .label_columns import LISTS, Reader, columns_of, readers_of
from .sides import Side, listed
from .store import fields as stored
from .store import runs
from .vectors import Vectors

ALL = "all"
CHUNK = 2_000
"""Documents that are read at a time."""
SKIPPED = {"id", "_id", "filepath", "created_at", "last_modified_at", "_media_type", "_rand", "_dataset_id"}
"""Fields of every sample that tell an image from all others, or when it was entered."""


def fields_of(sides: tuple[Side, Side], rows: tuple[Vectors, Vectors], wanted: Any, given: Iterable[Any] = ()) -> dict[str, Any]:
    """``fields_a`` and ``fields_b`` for :func:`latentdiff.compare`; nothing where no fields are wanted.

    Args:
        sides: both views.
        rows: what is compared of each; patches have the fields of their images.
        wanted: "all", a name or several ("ground_truth", "metadata.width"), or None: those that ``given`` names.
        given: known differences; names of fields among them are read too.

    Raises:
        InputError: a field that neither dataset has.
    """
    readers = [_readers(side) for side in sides]
    known = {r.name for side in readers for r in side}
    asked = [g.field if isinstance(g, FieldDifference) else g.partition(" = ")[0] for g in given if isinstance(g, (str, FieldDifference))]
    names = [name for name in asked if _matching(name, known)]
    if wanted is None and not names:
        return {}
    named = () if wanted in (None, ALL) else (wanted,) if isinstance(wanted, str) else tuple(wanted)
    for name in named:
        if not _matching(name, known):
            raise InputError(f"there is no field {name!r} that can be compared; there are {listed(sorted(known))}")
    chosen = known if wanted == ALL else {k for name in (*named, *names) for k in _matching(name, known)}
    own = [[r for r in side if r.name in chosen] for side in readers]
    return {f"fields_{s.letter.lower()}": _read(s, some, read.samples.tolist()) for s, some, read in zip(sides, own, rows, strict=True)}


def _matching(name: str, known: set[str]) -> set[str]:
    return {k for k in known if k == name or k.startswith(f"{name}.")}


def _readers(side: Side) -> list[Reader]:
    """Every column that a dataset can give."""
    dataset = side.dataset
    ours = {f"{run}_{what}" for run in runs.list_comparisons(dataset) for what in stored.ALL}
    out: list[Reader] = []
    for name, field in dataset.get_field_schema().items():
        if name not in SKIPPED | ours and not name.startswith("_"):
            out += _of_field(name, (field.db_field or name,), field)
    return out


def _of_field(name: str, keys: tuple[str, ...], field: Any) -> list[Reader]:
    import fiftyone as fo

    if isinstance(field, fo.EmbeddedDocumentField):
        return _of_document(name, keys, field)
    if isinstance(field, (fo.StringField, fo.IntField, fo.FloatField, fo.BooleanField, fo.DateField, fo.DateTimeField)):
        return [Reader(name, "$" + ".".join(keys))]
    texts = isinstance(field, fo.ListField) and isinstance(field.field, fo.StringField)
    return [Reader(name, "$" + ".".join(keys))] if texts else []


def _of_document(name: str, keys: tuple[str, ...], field: Any) -> list[Reader]:
    kind = field.document_type.__name__
    place = "$" + ".".join(keys)
    if kind in LISTS:
        return readers_of(name, keys, kind)
    if kind == "Classification":
        return [Reader(f"{name}.label", f"{place}.label"), Reader(f"{name}.confidence", f"{place}.confidence")]
    if kind == "Regression":
        return [Reader(name, f"{place}.value")]
    schema = field.get_field_schema()
    return [r for n, f in schema.items() if n not in SKIPPED for r in _of_field(f"{name}.{n}", (*keys, f.db_field or n), f)]


def _read(side: Side, readers: list[Reader], samples: list[str]) -> dict[str, list[Any]]:
    """Columns of some samples, in their order."""
    columns: dict[str, list[Any]] = {r.name: [None] * len(samples) for r in readers}
    if not readers:
        return columns
    rows: dict[str, list[int]] = {}
    for i, name in enumerate(samples):
        rows.setdefault(name, []).append(i)
    view = side.dataset.select(list(rows)) if side.labels else side.view
    asked = list({json.dumps(reader.asks): reader.asks for reader in readers}.values())
    project = {"$project": {"_id": 1, "answers": asked}}
    with no_search_for_cycles():
        for documents in ahead(view._aggregate(post_pipeline=[project]), CHUNK):
            at = [rows.get(str(document["_id"]), ()) for document in documents]
            index = [i for here in at for i in here]
            in_order = len(index) == len(at) and index == list(range(index[0], index[0] + len(index)))
            for name, values in columns_of([document["answers"] for document in documents], readers, asked).items():
                if in_order:
                    columns[name][index[0] : index[0] + len(index)] = values
                    continue
                for i, value in zip(index, (value for value, here in zip(values, at, strict=True) for _ in here), strict=True):
                    columns[name][i] = value
    return columns
