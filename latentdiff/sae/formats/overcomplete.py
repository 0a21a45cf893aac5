"""SAEs of overcomplete (Fel et al. 2025): linear, untied and tied encoders over plain and archetypal dictionaries."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...errors import CheckpointError
from .checkpoint import Checkpoint

LINEAR = "encoder.final_block.0."
DRIFT = 0.05
"""Relative: the last step of training moves an l2-normalised direction by less; a dictionary kept as it is ("identity") by more."""


def overcomplete(c: Checkpoint) -> dict[str, Any]:
    """overcomplete (Fel et al. 2025): one linear layer, perhaps batch norm, and a dictionary with a log multiplier."""
    sizes: dict[str, int] = {}
    if any(str(name).startswith(("encoder.mlp_blocks", "encoder.attention_blocks", "encoder.conv")) for name in c.tensors):
        raise CheckpointError(f"{c.path}: an overcomplete encoder with hidden blocks is not read; the linear one is")
    if not any(str(name).startswith("encoder.") for name in c.tensors):
        raise CheckpointError(f"{c.path} is a matching pursuit of overcomplete (MpSAE, OMPSAE), which has no encoder; it is not read")
    dictionary, exact = _dictionary(c, sizes)
    weights, bias = _encoder(c, sizes, dictionary, exact)
    return {"w_enc": weights.T, "b_enc": bias, "w_dec": dictionary, "b_dec": np.zeros(sizes["d"]), **_gate(c, sizes)}


def _encoder(c: Checkpoint, sizes: dict[str, int], dictionary: np.ndarray, exact: bool) -> tuple[np.ndarray, np.ndarray]:
    """(K, d) weights and (K,) bias of the linear encoder, of ``untied()``, or of ``tied()``, which encodes with the dictionary itself."""
    tied = [str(name) for name in c.tensors if str(name).startswith("encoder.tied_to.")]
    if tied or "encoder.weight" in c.tensors:
        c.used.update(tied)  # the dictionary under a second name
        if tied and not exact:
            raise CheckpointError(
                f"{c.path}: the dictionary of this tied overcomplete SAE is not normalised, and the file does not say how it would be; "
                "save the state dict after model.eval()"
            )
        weights = dictionary if tied else c.array("encoder.weight", "K", "d", sizes=sizes)
        bias = c.array("encoder.bias", "K", sizes=sizes) if "encoder.bias" in c.tensors else np.zeros(sizes["K"])
        return weights, bias.astype(np.float64)
    weights, bias = c.array(f"{LINEAR}weight", "K", "d", sizes=sizes), c.array(f"{LINEAR}bias", "K", sizes=sizes).astype(np.float64)
    norm = "encoder.final_block.1."
    if f"{norm}weight" in c.tensors and f"{norm}running_var" not in c.tensors:
        raise CheckpointError(f"{c.path}: an overcomplete encoder with layer norm over its concepts is not read")
    if f"{norm}running_var" not in c.tensors:
        return weights, bias
    mean, var, gain, shift = (c.array(norm + n, "K", sizes=sizes) for n in ("running_mean", "running_var", "weight", "bias"))
    scale = gain / np.sqrt(var.astype(np.float64) + 1e-5)  # batch norm, frozen as in evaluation
    return weights * scale[:, None].astype(np.float32), (bias - mean) * scale + shift


def _dictionary(c: Checkpoint, sizes: dict[str, int]) -> tuple[np.ndarray, bool]:
    """(K, d) directions as the library fuses them in evaluation, and whether the file leaves no doubt about them.

    Archetypal ones (Fel et al. 2025, equation 4) are ``W C + Relax`` with the rows of ``relu(W)`` summing to one.
    """
    multiplier = np.float32(np.exp(c.number("dictionary.multiplier") or 0.0))
    if "dictionary.C" in c.tensors:
        mixture = np.maximum(c.array("dictionary.W", "K", "points", sizes=sizes), 0)
        mixture = mixture / (mixture.sum(1, keepdims=True) + np.float32(1e-8))
        archetypes = mixture @ c.array("dictionary.C", "points", "d", sizes=sizes)
        return (archetypes + c.array("dictionary.Relax", "K", "d", sizes=sizes)) * multiplier, True
    stored = c.array("dictionary._weights", "K", "d", sizes=sizes)
    lengths = np.linalg.norm(stored, axis=1, keepdims=True)
    if np.all(np.abs(lengths - 1) < DRIFT):  # l2, the default, which evaluation applies once more
        return stored / (lengths + np.float32(1e-8)) * multiplier, True
    others = np.abs(stored).sum(1)
    exact = bool(np.allclose(others, 1, atol=1e-4) or np.isclose(lengths.max(), 1, atol=1e-4) or np.isclose(others.max(), 1, atol=1e-4))
    return stored * multiplier, exact


def _gate(c: Checkpoint, sizes: dict[str, int]) -> dict[str, Any]:
    """Its classes share one state dict, so which one it was has to be told. Its gate lets a value at the threshold through: ours not."""
    if "thresholds" in c.tensors:
        limit = np.exp(c.array("thresholds", "K", sizes=sizes).astype(np.float64)).astype(np.float32)
        return {"threshold": np.nextafter(limit, np.float32(-1)), "format": "overcomplete JumpSAE"}
    if c.options.top_k is not None:
        return {"threshold": np.zeros(1), "top_k": c.top_k(None), "format": "overcomplete TopKSAE"}
    if c.options.threshold is not None:
        limit = np.array([c.options.threshold], np.float32)
        return {"threshold": np.nextafter(limit, np.float32(-1)), "format": "overcomplete BatchTopKSAE or SAE"}
    raise CheckpointError(
        f"{c.path}: an overcomplete state dict does not say which SAE it is. Pass top_k=... for a TopKSAE, threshold=... for a "
        "BatchTopKSAE (its running_threshold is not in the state dict), or threshold=0 for a plain SAE"
    )
