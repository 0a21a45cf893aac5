"""Checkpoints in the layout of VisAEBench: ``sae.pt`` or ``model.safetensors``, and a ``config.json`` that names the activation."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...errors import CheckpointError
from .checkpoint import Checkpoint
from .overcomplete import LINEAR

ACTIVATIONS = ("topk", "batchtopk", "jumprelu")


def activation_of(config: dict[str, Any]) -> str:
    """The activation that a config in this layout names, "" where it names none of them."""
    name = config.get("activation") or config.get("sae_type") or config.get("architecture")
    return name.lower() if isinstance(name, str) and name.lower() in ACTIVATIONS else ""


def visaebench(c: Checkpoint) -> dict[str, Any]:
    """``z = gate(relu(h W^T + b))``, decoded with rows of ``decoder.weight`` (K, d), which is not the layout of ``nn.Linear``."""
    sizes: dict[str, int] = {}
    from_overcomplete = f"{LINEAR}weight" in c.tensors
    encoder, decoder = (LINEAR, "dictionary._weights") if from_overcomplete else ("encoder.", "decoder.weight")
    weights, bias = c.array(f"{encoder}weight", "K", "d", sizes=sizes), c.array(f"{encoder}bias", "K", sizes=sizes)
    directions = c.array(decoder, "K", "d", sizes=sizes)
    if from_overcomplete:
        directions = directions * np.float32(np.exp(c.number("dictionary.multiplier") or 0.0))
    c.agree(input_dim=sizes["d"], hidden_dim=sizes["K"])
    b_dec = c.array("decoder.bias", "d", sizes=sizes) if "decoder.bias" in c.tensors else np.zeros(sizes["d"], np.float32)
    # Nothing is subtracted from the input: the decoder's bias goes back into the encoder's, since our equation subtracts it.
    b_enc = bias.astype(np.float64) + b_dec.astype(np.float64) @ weights.T.astype(np.float64)
    return {"w_enc": weights.T, "b_enc": b_enc, "w_dec": directions, "b_dec": b_dec, **_gate(c, sizes, from_overcomplete)}


def _gate(c: Checkpoint, sizes: dict[str, int], from_overcomplete: bool) -> dict[str, Any]:
    activation = activation_of(c.config)
    for name in ("activation", "sae_type", "architecture"):
        if str(c.config.get(name)).lower() == activation:
            c.entry(name)
    k = c.entry("k")
    if activation == "topk":
        return {"threshold": np.zeros(1), "top_k": c.top_k(k), "format": "VisAEBench TopK"}
    if activation == "batchtopk":  # a value at the threshold passes there, not here
        limit = c.threshold("_running_threshold" if "_running_threshold" in c.tensors else "threshold")
        return {"threshold": np.nextafter(limit, np.float32(-1)), "format": "VisAEBench BatchTopK"}
    name = "jump_thresholds" if "jump_thresholds" in c.tensors else "thresholds"
    if name not in c.tensors:
        raise CheckpointError(f"{c.path}: a jump-ReLU without jump_thresholds is not read; VisAEBench would take 0.01 for each")
    limits = c.array(name, "K", sizes=sizes)
    if from_overcomplete and name == "thresholds":
        raise CheckpointError(
            f"{c.path}: its thresholds are logarithms in overcomplete and plain numbers in VisAEBench, which do not give the same codes; "
            "load the state dict of overcomplete without the config, or save plain numbers as jump_thresholds"
        )
    return {"threshold": limits, "format": "VisAEBench jump-ReLU"}
