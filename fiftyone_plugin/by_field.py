"""The images of a dataset with one value of a field each: what is compared by groups and over time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import latentdiff
from latentdiff.errors import InputError
from latentdiff.progress import Progress, part

from .encoders import vocabulary_for
from .sides import Side, resolve
from .store.run import RunSide
from .vectors import Vectors, read_vectors


@dataclass(frozen=True, eq=False)
class ImagesByField:
    """What :func:`read_by_field` reads."""

    side: Side
    read: Vectors
    """Row i of its vectors has the value ``values[i]``."""
    values: list[Any]
    words: latentdiff.Vocabulary | None

    @property
    def whole(self) -> RunSide:
        """All images that were read."""
        return RunSide(self.side.name, self.side.dataset, self.side.dataset.name, self.side.labels, self.read.ids)

    def count_left_out(self, info: dict[str, Any]) -> None:
        """Say in a result's ``info`` which images had no vector, or were there twice."""
        info["left_out"] |= {why: n for why, n in (("missing", self.read.missing), ("repeated", self.read.repeated)) if n}


def whole_side(dataset: Any, embeddings: str) -> Side:
    """All images of an ``fo.Dataset`` or ``fo.DatasetView`` as one side."""
    return resolve("A", dataset, getattr(dataset, "_root_dataset", dataset), embeddings)


def read_by_field(
    side: Side, by: str, vocabulary: latentdiff.Vocabulary | str | Path | Sequence[str] | None, progress: Progress
) -> ImagesByField:
    """Words, vectors, and the value of the field ``by`` of each row's sample."""
    words = vocabulary_for(vocabulary, side.dataset, side.stored, part(progress, 0.0, 0.33))
    read = read_vectors(side, part(progress, 0.33, 1.0))
    return ImagesByField(side, read, _values_of(side, read, by), words)


def _values_of(side: Side, read: Vectors, field: str) -> list[Any]:
    if not side.dataset.has_field(field.split(".")[0]):
        raise InputError(f"{side.dataset.name!r} has no field {field!r} by which its images could be grouped")
    ids, values = side.dataset.select(sorted(set(read.samples.tolist()))).values(["id", field])
    of = dict(zip(ids, values, strict=True))
    odd = next((v for v in values if isinstance(v, (list, dict)) or hasattr(v, "to_dict")), None)
    if odd is not None:
        what = f"a {type(odd).__name__}"
        raise InputError(f"the field {field!r} holds {what}; groups are told by a text or a number a sample, such as '{field}.label'")
    return [of.get(i) for i in read.samples.tolist()]
