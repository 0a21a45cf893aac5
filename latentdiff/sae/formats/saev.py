"""SAEs of saev (Stevens et al. 2025): one file, a line of JSON before the archive of ``torch.save``."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...errors import CheckpointError
from .checkpoint import Checkpoint, bare_parameters, product


def saev(c: Checkpoint) -> dict[str, Any]:
    """ReLU and TopK; the decoder's bias is subtracted from the input in files before schema 2, and in none since.

    Its BatchTopK keeps the k largest of each row too. Its top-k has no ReLU: a row with fewer than k positive activations has negative
    codes there and none here.
    """
    schema = c.entry("schema", 0)
    if schema not in (0, 1, 2):
        raise CheckpointError(f"{c.path}: schema {schema!r:.40} of saev is not read (files without one, 1 and 2 are)")
    centred = schema < 2
    settings = c.config if schema == 0 else c.entry("cfg")
    if not isinstance(settings, dict):
        raise CheckpointError(f"{c.path}: its first line has no cfg; it is not a file of saev")
    parts, sizes = bare_parameters(c)
    width, factor = settings.get("d_vit"), settings.get("exp_factor")
    if width != sizes["d"] or type(factor) is not int or width * factor != sizes["K"]:
        raise CheckpointError(f"{c.path}: its first line says d_vit {width!r:.40}, exp_factor {factor!r:.40}; its tensors are {sizes}")
    kind, k = _activation(c, schema, settings)
    if schema == 1 and c.entry("cls") == "SparseAutoencoderConfig" and np.any(parts["b_dec"]):
        raise CheckpointError(
            f"{c.path}: files of this schema (1, with an activation of its own) were written by versions of saev that subtract b_dec from "
            "the input and by versions that do not; load it in the version that wrote it and dump it with schema 2"
        )
    if not centred:
        parts["b_enc"] = parts["b_enc"] + product(parts["b_dec"], parts["w_enc"])
    if kind == "Relu":
        return {**parts, "threshold": np.zeros(1), "format": "saev ReLU"}
    return {**parts, "threshold": np.zeros(1), "top_k": c.top_k(k), "format": f"saev {kind}"}


def _activation(c: Checkpoint, schema: int, settings: dict[str, Any]) -> tuple[str, Any]:
    """The class of the activation and its k, None for ReLU."""
    if schema == 0:
        return "Relu", None
    named = settings.get("activation")
    kind: Any = c.entry("cls") if schema == 1 else None
    k = settings.get("top_k")
    if isinstance(named, dict) and (schema == 2 or kind == "SparseAutoencoderConfig"):
        kind, inner = named.get("cls"), named.get("params")
        k = inner.get("top_k") if isinstance(inner, dict) else None
    if kind not in ("Relu", "TopK", "BatchTopK"):
        raise CheckpointError(f"{c.path}: activation {kind!r:.60} of saev is not read (Relu, TopK and BatchTopK are)")
    return kind, None if kind == "Relu" else k
