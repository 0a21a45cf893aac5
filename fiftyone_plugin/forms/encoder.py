"""Inputs that say which encoder made vectors that are there already."""

from __future__ import annotations

from typing import Any

from .. import encoders
from ..sides import vector_fields
from . import common as forms


def choose_declared(inputs: Any, dataset: Any, params: dict[str, Any]) -> None:
    """The vector field, its encoder, and whether what is recorded already is replaced."""
    fields = vector_fields(dataset)
    empty = "No field of this dataset holds vectors. Run the operator “LatentDiff: compute embeddings” first."
    text = "Vectors whose encoder you know; a few images are encoded again to see whether it is the right one"
    prop = forms.choose(inputs, "field", "Image vectors", fields, description=text, empty=empty)
    if len(fields) == 1:
        prop.default = fields[0]
    forms.choose_encoder(inputs, params)
    field = params.get("field") or (fields[0] if len(fields) == 1 else None)
    stamp = encoders.recorded(dataset, str(field)) if field else None
    if stamp:
        inputs.bool("overwrite", label=f"Replace what is recorded: {stamp.fingerprint.get('model', 'another encoder')}", default=False)
