"""SAEs of saev (Stevens et al. 2025): one file, a line of JSON before the archive of ``torch.save``."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...errors import CheckpointError
from .checkpoint import Checkpoint, bare_parameters, product

IDLE_ENTRIES = ("activation.params.kind", "activation.params.sparsity.*", "activation.params.aux*")
"""What saev writes of an activation beside its class and k: its name once more, and what steers training."""
SCHEMAS = (0, 1, 2, 3, 4, 5)
"""0: a first line without one."""


def saev(c: Checkpoint) -> dict[str, Any]:
    """ReLU, TopK and BatchTopK; the decoder's bias is subtracted from the input in files before schema 2, and in none since.

    Its BatchTopK keeps the k largest of each row too, until files hold the threshold that was learnt for it. Its top-k has no ReLU: a row
    with fewer than k positive activations has negative codes there and none here.
    """
    schema = c.entry("schema", 0)
    if type(schema) is not int or schema not in SCHEMAS:
        raise CheckpointError(f"{c.path}: schema {schema!r:.40} of saev is not read (files without one, and 1 to {SCHEMAS[-1]} are)")
    named = c.entry("cls") if schema == 1 else None
    if schema:
        c.enter("cfg")
    parts, sizes = bare_parameters(c)
    _check_sizes(c, sizes)
    kind, k = _activation(c, schema, named)
    if schema == 1 and named == "SparseAutoencoderConfig" and np.any(parts["b_dec"]):
        raise CheckpointError(
            f"{c.path}: files of this schema (1, with an activation of its own) were written by versions of saev that subtract b_dec from "
            "the input and by versions that do not; load it in the version that wrote it and dump it with schema 2"
        )
    if schema >= 2:
        parts["b_enc"] = parts["b_enc"] + product(parts["b_dec"], parts["w_enc"])
    if kind == "BatchTopK" and (schema > 2 or LEARNT in c.tensors):
        learnt = c.number(LEARNT)
        return {**parts, "threshold": c.threshold() if learnt is None else np.array([max(learnt, 0.0)]), "format": "saev BatchTopK"}
    if kind == "Relu":
        return {**parts, "threshold": np.zeros(1), "format": "saev ReLU"}
    return {**parts, "threshold": np.zeros(1), "top_k": c.top_k(k), "format": f"saev {kind}"}


LEARNT = "activation.threshold"
"""Tensor of the threshold that stands for BatchTopK; up to 0 the library lets every positive activation through."""


def _check_sizes(c: Checkpoint, sizes: dict[str, int]) -> None:
    """Width and concepts: d_vit and its multiple exp_factor at first, then d_model and d_sae."""
    width, concepts, factor = c.entry("d_model", c.entry("d_vit")), c.entry("d_sae"), c.entry("exp_factor")
    if concepts is None and type(width) is int and type(factor) is int:
        concepts = width * factor
    if (width, concepts) != (sizes["d"], sizes["K"]):
        raise CheckpointError(f"{c.path}: its first line says width {width!r:.40} and {concepts!r:.40} concepts; its tensors are {sizes}")


def _activation(c: Checkpoint, schema: int, kind: Any) -> tuple[str, Any]:
    """The class of the activation and its k, None for ReLU; ``kind`` is what files of schema 1 call it."""
    if schema == 0:
        return "Relu", None
    k = c.entry("top_k")
    if schema >= 2 or kind == "SparseAutoencoderConfig":
        kind, k = c.entry("activation.cls"), c.entry("activation.params.top_k")
    if kind not in ("Relu", "TopK", "BatchTopK"):
        raise CheckpointError(f"{c.path}: activation {kind!r:.60} of saev is not read (Relu, TopK and BatchTopK are)")
    return kind, None if kind == "Relu" else k
