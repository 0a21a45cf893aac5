"""SAEs of the repositories bartbussmann/BatchTopK and matryoshka_sae (Bussmann et al. 2024, 2025): ``sae.pt`` and ``config.json``."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from ...errors import CheckpointError
from .checkpoint import Checkpoint, bare_parameters, product

TYPES = {
    "vanilla": "vanilla",
    "topk": "topk",
    "top-k": "topk",
    "batchtopk": "batchtopk",
    "batch-topk": "batchtopk",
    "jumprelu": "jumprelu",
    "global-matryoshka-topk": "matryoshka",
}
"""``sae_type`` of the configs -> the equation."""


def bussmann(c: Checkpoint) -> dict[str, Any]:
    """``input_unit_norm`` is a layer norm; encoders of the top-k kinds have no bias, that of jump-ReLU is not centred."""
    kind = TYPES.get(c.text("sae_type", "").lower(), "")
    if not kind:
        raise CheckpointError(f"{c.path}: sae_type {c.entry('sae_type')!r:.60} is not read ({', '.join(TYPES)} are)")
    activation = c.text("activation", "relu")
    if activation != "relu":
        raise CheckpointError(f"{c.path}: activation {activation!r:.60} of a {kind} SAE is not read (relu is)")
    parts, sizes = bare_parameters(c)
    c.agree(act_size=sizes["d"], dict_size=sizes["K"])
    if kind not in ("vanilla", "jumprelu"):
        _without_bias(c, parts, kind)
    if kind == "jumprelu":
        parts["b_enc"] = parts["b_enc"] + product(parts["b_dec"], parts["w_enc"])
    if c.flag("tied_weights", False):
        parts["w_dec"] = parts["w_enc"].T
    out = {**parts, **_gate(c, kind, sizes), "groups": _groups(c, sizes["K"]) if kind == "matryoshka" else None}
    out["normalise"] = "layer_norm" if c.flag("input_unit_norm", False) else "none"
    return {**out, "format": f"bartbussmann {kind}"}


def _without_bias(c: Checkpoint, parts: dict[str, Any], kind: str) -> None:
    """Leave the encoder's bias out where the repository does; its training never moves it from zero."""
    if c.flag("use_encoder_bias", False):
        return
    if c.config.get("use_encoder_bias") is None and np.any(parts["b_enc"]):
        raise CheckpointError(
            f"{c.path}: b_enc is not zero, but the encoder of a {kind} SAE of bartbussmann's has no bias; a repository derived from it may "
            'have one. Put "use_encoder_bias": true (or false) into config.json to say which'
        )
    parts["b_enc"] = np.zeros_like(parts["b_enc"])


def _gate(c: Checkpoint, kind: str, sizes: dict[str, int]) -> dict[str, Any]:
    k = c.entry("top_k")  # of the batch kinds the mean over a batch, which the learnt threshold stands for
    if kind == "topk":
        return {"threshold": np.zeros(1), "top_k": c.top_k(k)}
    if kind == "jumprelu":
        return {"threshold": np.exp(c.array("jumprelu.log_threshold", "K", sizes=sizes).astype(np.float64))}
    return {"threshold": np.zeros(1) if kind == "vanilla" else c.threshold(unlearnt=0.0)}


def _groups(c: Checkpoint, concepts: int) -> tuple[int, ...]:
    """``group_sizes``, which the repository writes as a text."""
    value = c.entry("group_sizes")
    try:
        value = json.loads(value) if isinstance(value, str) else value
    except ValueError:
        value = None
    if not isinstance(value, list) or not all(type(n) is int and n > 0 for n in value) or sum(value) != concepts:
        raise CheckpointError(f"{c.path}: group_sizes {c.entry('group_sizes')!r:.80} are no sizes that sum to the {concepts} concepts")
    return tuple(value)
