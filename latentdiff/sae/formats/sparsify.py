"""Sparse coders of EleutherAI's sparsify (Gao et al. 2024): ``sae.safetensors`` and ``cfg.json``."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...errors import CheckpointError
from .checkpoint import Checkpoint


def sparsify(c: Checkpoint) -> dict[str, Any]:
    """``z = topk(relu((h - b_dec) W^T + b))``; transcoders and grouped maxima are refused."""
    activation = c.text("activation", "topk")
    if activation != "topk":
        raise CheckpointError(f"{c.path}: activation {activation!r:.60} of sparsify is not read (topk is)")
    if c.entry("transcode") or c.entry("skip_connection") or c.entry("signed"):
        raise CheckpointError(
            f"{c.path} is a transcoder, or its codes have signs (transcode, skip_connection, signed): not an SAE that is read"
        )
    sizes: dict[str, int] = {}
    parts = {
        "w_enc": c.array("encoder.weight", "K", "d", sizes=sizes).T,
        "b_enc": c.array("encoder.bias", "K", sizes=sizes),
        "w_dec": c.array("W_dec", "K", "d", sizes=sizes),
        "b_dec": c.array("b_dec", "d", sizes=sizes),
    }
    c.agree(d_in=sizes["d"])
    latents = c.entry("num_latents")
    if latents not in (None, 0, sizes["K"]):
        raise CheckpointError(f"{c.path}: the config says num_latents = {latents!r:.40}, the tensors say {sizes['K']}")
    return {**parts, "threshold": np.zeros(1), "top_k": c.top_k(c.entry("k")), "format": "sparsify TopK"}
