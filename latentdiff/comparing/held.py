"""What is known and to be looked past: phrases, findings, fields and numbers whose differences the rest is compared without."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp

from ..describe.phrase_vectors import composed_directions
from ..embed.sides import Sides
from ..embed.vocabulary import Vocabulary
from ..errors import InputError
from ..inputs.columns import Columns
from ..inputs.fitting import NO_GROUPS
from ..results.fields import FieldDifference
from ..results.hypothesis import Hypothesis
from ..stats.overlap import Known, Overlap, overlap
from ..stats.shown import likeness
from ..stats.strata import Strata

Given = Sequence[Any]
"""Each a phrase, the name of a field or of a value of one, a ``Hypothesis``, a ``FieldDifference``, or a pair of arrays (A's rows, B's)."""


@dataclass(frozen=True, eq=False)
class Held:
    """The images that have counterparts in what is held equal."""

    sides: Sides
    """With ``strata``."""
    codes: sp.csr_array
    columns: Columns | None
    info: dict[str, Any]
    """What is said of it: ``names``, ``images`` (of two equal sides that would say as much), those ``without`` counterpart, ``strata``."""


def hold(given: Given, sides: Sides, codes: sp.csr_array, columns: Columns | None, vocabulary: Vocabulary | None) -> Held:
    """Find the images that are alike in all that is given.

    Args:
        given: what is known.
        sides: in content order.
        codes: (n, K) activations.
        columns: fields of the images.
        vocabulary: words that phrases are made of.

    Raises:
        InputError: something that is none of these, a phrase without a direction, a field that there is not, or too few images left.
    """
    if sides.groups is not None:
        raise InputError(NO_GROUPS)
    known = [_known(one, sides, codes, columns, vocabulary) for one in given]
    found = overlap(known, sides.in_a)
    info = said(known, found, sides)
    rows = np.flatnonzero(found.kept)
    try:
        some = sides.some(rows)
    except InputError as e:
        names = ", ".join(k.name for k in known)
        raise InputError(f"hardly any image of one side has a counterpart in {names} on the other: {e}") from e
    strata = np.unique(found.strata[rows], return_inverse=True)[1]
    some.strata = strata if strata.any() else None  # one stratum of all is none
    return Held(some, codes[rows], None if columns is None else columns.take(rows), info)


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


def _known(one: Any, sides: Sides, codes: sp.csr_array, columns: Columns | None, vocabulary: Vocabulary | None) -> Known:
    if isinstance(one, FieldDifference):
        return _field(one.field, None if one.is_tail else one.value, columns)
    if isinstance(one, Hypothesis):
        if one.concept is not None and (one.weak or vocabulary is None or one.text == f"concept {one.concept}"):
            return _concept(one.text, one.concept, codes)
        return _phrase(one.text, sides, vocabulary)
    if isinstance(one, str):
        text = " ".join(one.split())
        numbered = re.fullmatch(r"concept (\d{1,9})", text)
        if numbered:
            return _concept(text, int(numbered[1]), codes)
        field, _, value = text.partition(" = ")
        if columns is not None and (columns.named(text) is not None or columns.named(field) is not None):
            return _field(text, None, columns) if columns.named(text) is not None else _field(field, value, columns)
        return _phrase(text, sides, vocabulary)
    if isinstance(one, (tuple, list)) and len(one) == 2:
        return _arrays(one, sides)
    raise InputError(f"given takes phrases, names of fields, findings of a comparison, or pairs of arrays, not {type(one).__name__}")


def _phrase(text: str, sides: Sides, vocabulary: Vocabulary | None) -> Known:
    direction = None if vocabulary is None else composed_directions(vocabulary)([text])
    if direction is None or not np.isfinite(direction).all():
        why = "there are no words with vectors" if vocabulary is None else "the vocabulary lacks its words"
        raise InputError(f"given: {text!r} is the name of no field, and as a phrase {why}; give fields, or words with vectors")
    like, cut = likeness(sides, sides.cosines(direction)[0])
    return Known(text, like, cut=cut)


def _concept(text: str, concept: int, codes: sp.csr_array) -> Known:
    if concept >= codes.shape[1]:
        raise InputError(f"given: {text!r} is a concept of another sparse autoencoder; compare with the same one (sae=)")
    return Known(text, codes[:, [concept]].toarray().ravel().astype(np.float64), cut=0.0)


def _field(name: str, value: str | None, columns: Columns | None) -> Known:
    column = None if columns is None else columns.named(name)
    if column is None:
        raise InputError(f"given: there is no field {name!r} that is tested; pass it in fields_a and fields_b")
    if value is None:
        number = column.code.astype(np.float64) if column.number is None and column.code is not None else column.number
        assert number is not None
        return Known(name, number, categories=column.number is None)
    if value not in column.values:
        raise InputError(f"given: {name!r} has no value {value!r} on enough images; it has {', '.join(column.values[:10])}")
    member = column.has[:, [column.values.index(value)]].toarray().ravel()
    return Known(f"{name} = {value}", member.astype(np.float64), categories=True)


def _arrays(pair: Sequence[Any], sides: Sides) -> Known:
    first, second = (np.asarray(side) for side in (pair[::-1] if sides.swapped else pair))
    lengths = [len(keep) + len(sides.dropped[side]) for side, keep in (("A", sides.keep_a), ("B", sides.keep_b))]
    if [len(x) if x.ndim else -1 for x in (first, second)] != lengths or first.ndim != second.ndim or first.shape[1:] != second.shape[1:]:
        raise InputError(f"given: a pair of arrays has a row for each image, {lengths[0]} and {lengths[1]} (A, B or B, A), of one width")
    values = np.concatenate([first[sides.keep_a], second[sides.keep_b]])
    if values.dtype.kind in "OUS" and values.ndim == 1:
        code: dict[Any, int] = {}
        return Known("labels given", np.array([float(code.setdefault(v, len(code))) for v in values.tolist()]), categories=True)
    if values.dtype.kind not in "biuf" or values.ndim > 2:
        raise InputError("given: a pair of arrays holds numbers (n,) or (n, p), or one label a row")
    return Known("numbers given", values.astype(np.float64))

