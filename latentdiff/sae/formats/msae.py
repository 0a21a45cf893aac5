"""MSAE (Zaigrajew et al. 2025): hierarchical SAEs of CLIP, which keep their config in the file's name."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from ...errors import CheckpointError
from .checkpoint import Checkpoint


def msae(c: Checkpoint) -> dict[str, Any]:
    """MSAE (Zaigrajew et al. 2025): ``x' = (x - mean_center) * scaling_factor``, choices only in the file's name."""
    choices = _msae_choices(c)
    model = Checkpoint(c.path, c.tensors["model"], {}, c.options)
    sizes: dict[str, int] = {}
    w_enc, bias = model.array("encoder", "d", "K", sizes=sizes), model.array("pre_bias", "d", sizes=sizes)
    b_enc = model.array("latent_bias", "K", sizes=sizes)
    w_dec = w_enc.T if choices["tied"] else model.array("decoder", "K", "d", sizes=sizes)
    for letter, stated in choices["sizes"].items():
        if stated != sizes[letter]:
            raise CheckpointError(f"{c.path}: the file's name says {letter} = {stated}, the tensors say {sizes[letter]}; was it renamed?")
    scale = c.number("scaling_factor")
    if scale is None or not 0 < scale < np.inf:
        raise CheckpointError(f"{c.path}: scaling_factor is {scale}; it should be the positive scale that was used in training")
    mean = c.tensors.get("mean_center")
    one = mean is None or np.size(mean) == 1
    centre = np.full(sizes["d"], c.number("mean_center") or 0.0) if one else c.array("mean_center", "d", sizes=sizes)
    gate = _msae_activation(model, choices["activation"], choices["k"], sizes)
    model.used.add("decoder")  # a tied one is not asked for it
    model.settle("MSAE", ("latents_activation_frequency", "num_updates"), ())
    return {
        "w_enc": w_enc * np.float32(scale),
        "b_enc": b_enc,
        "w_dec": w_dec / np.float32(scale),
        "b_dec": centre.astype(np.float64) + bias / scale,
        **gate,
        "format": "MSAE",
    }


def _msae_choices(c: Checkpoint) -> dict[str, Any]:
    """``<K>_<d>_<activation>[_<k>][_UW|_RW]_<tied>_<normalize>_<soft cap>_...`` of the file's name."""
    found = re.match(r"(\d+)_(\d+)_([A-Za-z]+)(?:_(\d+))?(?:_(?:UW|RW))?_(True|False)_(True|False)_(-?[\d.]+)(?:_|\.pth?$)", c.path.name)
    if found is None:
        if c.options.top_k is None and c.options.threshold is None:
            raise CheckpointError(
                f"{c.path}: an MSAE says its activation only in the file's name, such as 6144_768_TopKReLU_64_RW_False_False_0.0_....pth; "
                "give it back its name, or pass top_k=... (or threshold=0 for a ReLU)"
            )
        activation = "TopKReLU" if c.options.top_k is not None else "ReLU"
        return {"activation": activation, "k": None, "tied": "decoder" not in c.tensors["model"], "sizes": {}}
    concepts, width, activation, k, tied, normalize, cap = found.groups()
    if normalize == "True" or not _is_zero(cap):
        raise CheckpointError(f"{c.path}: an MSAE with normalize {normalize} and soft cap {cap} is not read (published ones: False, 0.0)")
    return {"activation": activation, "k": k, "tied": tied == "True", "sizes": {"d": int(width[:9]), "K": int(concepts[:9])}}


def _is_zero(text: str) -> bool:
    return not text.strip("-0.")


def _msae_activation(model: Checkpoint, activation: str, k: str | None, sizes: dict[str, int]) -> dict[str, Any]:
    if activation == "TopKReLU":
        return {"threshold": np.zeros(1), "top_k": model.top_k(int(k[:9]) if k else None)}
    if activation == "ReLU":
        return {"threshold": np.array([model.options.threshold or 0.0])}
    if activation == "JumpReLU":
        return {"threshold": np.exp(model.array("activation.log_threshold", "K", sizes=sizes).astype(np.float64))}
    if activation.startswith("BatchTopK") and model.options.threshold is not None and "abs" not in activation:
        return {"threshold": model.threshold()}
    raise CheckpointError(
        f"{model.path}: an MSAE with activation {activation:.40} is not read "
        "(TopKReLU, ReLU and JumpReLU are; BatchTopKReLU needs threshold=...)"
    )
