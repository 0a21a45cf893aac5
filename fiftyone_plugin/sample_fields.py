"""What a dataset knows of its images, as columns that can be tested: read in bulk, by one raw projection, no sample ever built."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from latentdiff.compute.ahead import ahead
from latentdiff.compute.garbage import no_search_for_cycles
from latentdiff.errors import InputError
from latentdiff.results.fields import FieldDifference

from .label_columns import ATTRIBUTES, LISTS, Reader, box_of, columns_of, readers_of
from .sides import Side, listed
from .store import fields as stored
from .store import runs
from .vectors import Vectors

ALL = "all"
CHUNK = 2_000
"""Documents that are read at a time."""
_OWN, _ENTERED = "every image has its own", "when it was entered"
SKIPPED = {"id": _OWN, "filepath": _OWN, "created_at": _ENTERED, "last_modified_at": _ENTERED}
"""Fields of every sample that are not compared, and why."""
PARTS = {"id", "attributes", "instance"}
"""Parts of labels that hold nothing to compare."""


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
    found = [_readers(side) for side in sides]
    readers, unread = [read for read, _ in found], {**found[1][1], **found[0][1]}
    known = {r.name for side in readers for r in side}
    names = [name for name in named_in(given) if _matching(name, known)]
    if wanted is None and not names:
        return {}
    named = () if wanted in (None, ALL) else (wanted,) if isinstance(wanted, str) else tuple(wanted)
    for name in named:
        if not _matching(name, known) and _matching(name, {*unread}):
            raise InputError(f"the field {name!r} cannot be compared: {unread[min(_matching(name, {*unread}))]}")
        if not _matching(name, known):
            raise InputError(f"there is no field {name!r} that can be compared; there are {listed(sorted(known))}")
    chosen = known if wanted == ALL else {k for name in (*named, *names) for k in _matching(name, known)}
    own = [[r for r in side if r.name in chosen] for side in readers]
    return {f"fields_{s.letter.lower()}": _read(s, some, read.samples.tolist()) for s, some, read in zip(sides, own, rows, strict=True)}


def named_in(given: Iterable[Any]) -> list[str]:
    """What known differences call fields, if they mean any."""
    return [g.field if isinstance(g, FieldDifference) else g.partition(" = ")[0] for g in given if isinstance(g, (str, FieldDifference))]


def tell_unread(info: dict[str, Any], sides: tuple[Side, Side], wanted: Any, chosen: Mapping[str, str] | None = None) -> None:
    """Say in a comparison's ``info`` which fields :func:`fields_of` did not read of all that were wanted, and why.

    Args:
        info: the comparison's.
        sides: both views.
        wanted: as :func:`fields_of` takes it.
        chosen: what the sides were chosen by, and is left out therefore.
    """
    fields = info.get("fields")
    if chosen and fields is not None:
        fields["left_out"] = {**chosen, **fields["left_out"]}
    if wanted == ALL and fields is not None:
        unread = {name: why for side in sides for name, why in _readers(side)[1].items() if name not in fields["tested"]}
        fields["left_out"] = {**unread, **fields["left_out"]}


def of_comparisons(dataset: Any) -> set[str]:
    """Names of the fields that comparisons wrote into a dataset: they say nothing of its images but what was found of them."""
    return {f"{run}_{what}" for run in runs.list_comparisons(dataset) for what in stored.ALL}


def _matching(name: str, known: set[str]) -> set[str]:
    return {k for k in known if k == name or k.startswith(f"{name}.")}


def _readers(side: Side) -> tuple[list[Reader], dict[str, str]]:
    """Every column that a dataset can give, and why it gives none of other fields; what comparisons wrote is not among them."""
    dataset = side.dataset
    ours = of_comparisons(dataset)
    out: list[Reader] = []
    unread = dict(SKIPPED)
    for name, field in dataset.get_field_schema().items():
        if name not in SKIPPED and name not in ours and not name.startswith("_"):
            out += _of_field(name, (field.db_field or name,), field, unread)
    return out, unread


def _of_field(name: str, keys: tuple[str, ...], field: Any, unread: dict[str, str]) -> list[Reader]:
    import fiftyone as fo

    if isinstance(field, fo.EmbeddedDocumentField):
        return _of_document(name, keys, field, unread)
    single = isinstance(field, (fo.StringField, fo.IntField, fo.FloatField, fo.BooleanField, fo.DateField, fo.DateTimeField))
    if single or (isinstance(field, fo.ListField) and isinstance(field.field, fo.StringField)):
        return [Reader(name, "$" + ".".join(keys))]
    unread[name] = _not_compared(field)
    return []


def _not_compared(field: Any) -> str:
    inner = getattr(field, "field", None)
    return f"a kind that is not compared ({type(field).__name__}{f' of {type(inner).__name__}' if inner is not None else ''})"


def _of_document(name: str, keys: tuple[str, ...], field: Any, unread: dict[str, str]) -> list[Reader]:
    import fiftyone as fo

    kind, schema = field.document_type.__name__, field.get_field_schema()
    place, skipped = "$" + ".".join(keys), PARTS if issubclass(field.document_type, fo.Label) else ()
    if kind in LISTS:
        return readers_of(name, keys, kind, _attributes(name, schema[LISTS[kind]].field, unread))
    out = []
    if kind in ("Classification", "Regression"):
        declared = field.document_type._fields
        out = [Reader(name, f"{place}.value")] if kind == "Regression" else [Reader(f"{name}.label", f"{place}.label")]
        out += [Reader(f"{name}.confidence", f"{place}.confidence")] if kind == "Classification" else []
        schema = {n: f for n, f in schema.items() if n not in declared}
    elif kind == "Detection":
        out = box_of(name, keys)
        schema.pop("bounding_box", None)
    inner = (_of_field(f"{name}.{n}", (*keys, f.db_field or n), f, unread) for n, f in schema.items() if n not in skipped)
    return [*out, *(reader for readers in inner for reader in readers)]


def _attributes(name: str, labels: Any, unread: dict[str, str]) -> dict[str, tuple[str, str]]:
    """What labels of which an image has several declare beyond what all such labels have: by name, the key and the kind."""
    out = {}
    for own, field in labels.get_field_schema().items():
        if own in labels.document_type._fields:
            continue
        if type(field).__name__ in ATTRIBUTES:
            out[own] = field.db_field or own, type(field).__name__
        else:
            unread[f"{name}.{own}"] = _not_compared(field)
    return out


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
