"""What is known and to be looked past: phrases, findings, fields and numbers whose differences the rest is compared without."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp

from ..compute.values import is_missing
from ..config import CompareConfig
from ..describe.phrase_vectors import composed_directions
from ..embed.grouping import numbered
from ..embed.sides import Sides
from ..embed.vocabulary import Vocabulary
from ..errors import InputError
from ..inputs.columns import Column, Columns, check_fields
from ..inputs.fitting import NO_GROUPS
from ..results.fields import FieldDifference
from ..results.hypothesis import Hypothesis
from ..results.known import as_read, concept_known, concept_of, known_text, phrase_of
from ..sae.model import SparseAutoencoder
from ..sae.naming import is_weak
from ..stats.overlap import Known, Overlap, overlap
from ..stats.shown import likeness
from ..stats.strata import Strata
from .candidates import name_promising
from .fields import columns_of

Given = Sequence[Any]
"""Each a phrase, the name of a field or of a value of one, a ``Hypothesis``, a ``FieldDifference``, or a pair of arrays (A's rows, B's)."""

PAIR = "values"
NO_LABELS = "given: a pair of arrays holds numbers (n,) or (n, p), or one label a row"
SAME = "the same everywhere"
"""Why a field of one value is left out."""


@dataclass(frozen=True, eq=False)
class Among:
    """Images, and what can be held equal of them."""

    sides: Sides
    """In content order."""
    codes: sp.csr_array
    """(n, K) activations."""
    sae: SparseAutoencoder
    """Whose they are."""
    columns: Columns | None
    """Fields of the images."""
    vocabulary: Vocabulary | None
    """Words that phrases are made of."""
    config: CompareConfig


@dataclass(frozen=True, eq=False)
class Held:
    """The images that have counterparts in what is held equal."""

    sides: Sides
    """With ``strata``."""
    codes: sp.csr_array
    columns: Columns | None
    info: dict[str, Any]
    """What is said of it: ``names``, ``images`` (of two equal sides that would say as much), those ``without`` counterpart, ``strata``."""
    remarks: list[str]
    """Of what is held equal in vain."""


def hold(given: Given, among: Among) -> Held:
    """Find the images that are alike in all that is given.

    Args:
        given: what is known.
        among: the images and what is known of them.

    Raises:
        InputError: something that is none of these, a phrase without a direction, a field that there is not or that was left out, a concept
            of another SAE, or too few images left.
    """
    sides, columns = among.sides, among.columns
    if sides.groups is not None:
        raise InputError(NO_GROUPS)
    known = [_known(one, among) for one in given]
    found = overlap(known, sides.in_a)
    info = said(known, found, sides)
    same = [k.name for k in known if (k.values == k.values[:1]).all()]
    remarks = [f"{name} is the same for all images: holding it equal changes nothing" for name in same]
    rows = np.flatnonzero(found.kept)
    try:
        some = sides.some(rows)
    except InputError as e:
        names = ", ".join(k.name for k in known)
        raise InputError(f"hardly any image of one side has a counterpart in {names} on the other: {e}") from e
    strata = numbered(found.strata[rows])
    some.strata = strata if strata.any() else None  # one stratum of all is none
    return Held(some, among.codes[rows], None if columns is None else columns.take(rows), info, remarks)


def effective(sides: Sides) -> tuple[int, int]:
    """Images of A and B; within strata those of two equal sides that would say as much."""
    if sides.strata is None:
        return sides.n_a, sides.n_b
    images = max(1, round(Strata(sides.in_a, sides.strata).images))
    return images, images


def said(known: Sequence[Known], found: Overlap, sides: Sides) -> dict[str, Any]:
    """What a comparison's ``info`` says of what was held equal."""
    away = ~found.kept
    without = {"A": int(away[sides.in_a].sum()), "B": int(away[~sides.in_a].sum())}
    return {
        "names": [k.name for k in known],
        "images": round(found.images, 1),
        "without": without,
        "strata": len(np.unique(found.strata[found.kept])),
        "by": found.by,
    }


def _known(one: Any, among: Among) -> Known:
    if isinstance(one, FieldDifference):
        return _field(one.field, None if one.is_tail else one.value, among)
    if isinstance(one, Hypothesis):
        if one.concept is not None and (one.weak or among.vocabulary is None or one.text == f"concept {one.concept}"):
            return _concept(known_text(one, as_read(one.text, one.weak)), one.concept, among, one.sae_key)
        return _phrase(one.text, among)
    if isinstance(one, str):
        text = " ".join(one.split())
        named = _named(one, among.columns) or _named(text, among.columns)  # as it is written first: names may hold two spaces
        if named is not None:
            return _field(*named, among)
        concept = concept_of(text)
        return _phrase(text, among) if concept is None else _concept(text, concept, among)
    if isinstance(one, (tuple, list)) and len(one) == 2:
        return _arrays(one, among.sides)
    raise InputError(f"given takes phrases, names of fields, findings of a comparison, or pairs of arrays, not {type(one).__name__}")


def _named(text: str, columns: Columns | None) -> tuple[str, str | None] | None:
    """The field, tested or left out, that a text is the name of, and the value that it names."""
    names = set() if columns is None else {c.name for c in columns.columns} | set(columns.left_out)
    if text in names:
        return text, None
    cuts = (m.start() for m in re.finditer(" = ", text))
    return next(((text[:cut], text[cut + 3 :]) for cut in cuts if text[:cut] in names), None)


def _phrase(text: str, among: Among) -> Known:
    vocabulary, sides, phrase = among.vocabulary, among.sides, phrase_of(text)
    direction = None if vocabulary is None else composed_directions(vocabulary)([phrase])
    if direction is None or not np.isfinite(direction).all():
        why = "there are no words with vectors" if vocabulary is None else "the vocabulary lacks its words"
        raise InputError(f"given: {phrase!r} is the name of no field, and as a phrase {why}; give fields, or words with vectors")
    like, cut = likeness(sides, sides.cosines(direction)[0])
    return Known(text, like, cut=cut)


def _concept(text: str, concept: int, among: Among, sae_key: str = "") -> Known:
    """A concept of this SAE; a finding says of which one it is (those of earlier versions do not)."""
    if concept >= among.codes.shape[1] or sae_key not in ("", among.sae.key):
        raise InputError(f"given: {text!r} is a concept of another sparse autoencoder; compare with the same one (sae=)")
    fires = among.codes[:, [concept]].toarray().ravel().astype(np.float64)
    named = text if among.vocabulary is None or text != f"concept {concept}" else _called(concept, fires > 0, among, among.vocabulary)
    return Known(named, fires, cut=0.0)


def _called(concept: int, fires: np.ndarray, among: Among, vocabulary: Vocabulary) -> str:
    """A concept that was given by its number, with the name that its card would have."""
    in_a, ids = among.sides.in_a, {"A": np.array([concept]), "B": np.array([concept])}
    side = "A" if fires[in_a].mean() >= fires[~in_a].mean() else "B"
    ids["B" if side == "A" else "A"] = np.zeros(0, int)
    name = name_promising(ids, among.codes, among.sides, among.sae, vocabulary, among.config.naming)[concept]
    guess = is_weak(name, vocabulary, among.config.weak_name)
    return concept_known(concept, as_read(vocabulary.words[name.words[0]], guess))


def _field(name: str, value: str | None, among: Among) -> Known:
    column = None if among.columns is None else among.columns.named(name)
    if column is None:
        return _untested(name, among)
    if value is None:
        return _whole(name, column)
    held = next((v for v in (value, " ".join(value.split())) if v in column.values), None)
    if held is None:
        raise InputError(f"given: {name!r} has no value {value!r} on enough images; it has {', '.join(column.values[:10])}")
    member = column.has[:, [column.values.index(held)]].toarray().ravel()
    return Known(f"{name} = {held}", member.astype(np.float64), categories=True)


def _whole(name: str, column: Column) -> Known:
    number = column.code.astype(np.float64) if column.number is None and column.code is not None else column.number
    assert number is not None
    return Known(name, number, categories=column.number is None)


def _untested(name: str, among: Among) -> Known:
    """A field of one value, in which all images are alike; another one that was left out cannot be held equal."""
    why = None if among.columns is None else among.columns.left_out.get(name)
    if why is None:
        raise InputError(f"given: there is no field {name!r}; pass it in fields_a and fields_b")
    if why != SAME:
        raise InputError(f"given: the field {name!r} cannot be held equal, since it was left out: {why}; leave it out of given as well")
    return Known(name, np.zeros(len(among.sides)), categories=True)


def _arrays(pair: Sequence[Any], sides: Sides) -> Known:
    lengths = [len(keep) + len(sides.dropped[side]) for side, keep in (("A", sides.keep_a), ("B", sides.keep_b))]
    refused = f"given: a pair of arrays has a row for each image, {lengths[0]} and {lengths[1]} (A, B or B, A), of one width"
    try:
        first, second = (np.asarray(side) for side in (pair[::-1] if sides.swapped else pair))
    except ValueError as e:
        raise InputError(refused) from e
    if [len(x) if x.ndim else -1 for x in (first, second)] != lengths or first.ndim != second.ndim or first.shape[1:] != second.shape[1:]:
        raise InputError(refused)
    if first.ndim == 1:
        return _column(pair, sides)
    values = np.concatenate([first[sides.keep_a], second[sides.keep_b]])
    try:
        if values.dtype.kind in "biufO" and values.ndim == 2:
            return Known("numbers given", values.astype(np.float64))
    except (TypeError, ValueError):  # objects that are no numbers
        pass
    raise InputError(NO_LABELS)


def _column(pair: Sequence[Any], sides: Sides) -> Known:
    """What a field would be read as: numbers and dates, of which some may be missing, or labels, however rare."""
    fields = check_fields({PAIR: pair[0]}, {PAIR: pair[1]}, (len(pair[0]), len(pair[1])))
    columns = columns_of(sides, fields)
    assert fields is not None and columns is not None
    column = columns.named(PAIR)
    if column is not None:
        return _whole("labels given" if column.number is None else f"{column.kind}s given", column)
    first, second = (side[PAIR] for side in (fields[::-1] if sides.swapped else fields))
    labels = [*(first[i] for i in sides.keep_a.tolist()), *(second[i] for i in sides.keep_b.tolist())]
    code: dict[Any, int] = {}
    try:
        return Known(
            "labels given", np.array([float(code.setdefault(None if is_missing(v) else v, len(code))) for v in labels]), categories=True
        )
    except TypeError as e:  # values that are no labels
        raise InputError(NO_LABELS) from e
