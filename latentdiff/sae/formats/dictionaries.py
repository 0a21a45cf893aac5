"""SAEs of dictionary_learning (which Pach et al. 2025 used) and overcomplete (Fel et al. 2025)."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...errors import CheckpointError
from .checkpoint import Checkpoint, Options, bare_parameters, gated, product


def dictionary_learning(c: Checkpoint) -> dict[str, Any]:
    """Dictionaries of dictionary_learning whose weights are of ``nn.Linear``; Pach et al. (2025) used its BatchTopK."""
    kind = _trainer(c)
    if "gate_bias" in c.tensors:
        return _linear(c, kind, "gatedautoencoder", "decoder_bias")
    if "bias" in c.tensors and "b_dec" not in c.tensors:
        return _linear(c, kind, "autoencoder", "bias")
    if "decoder.bias" in c.tensors:
        return _linear(c, kind, "autoencodernew", "decoder.bias")
    parts, _ = _linear_parameters(c, "encoder.bias", "b_dec")
    if kind == "autoencodertopk":
        return {**parts, "threshold": np.zeros(1), "top_k": _agreed_k(c), "format": "dictionary_learning TopK"}
    if not kind and c.number("threshold") is None and c.options == Options():
        raise CheckpointError(
            f"{c.path} has no threshold, and no config.json beside it says whether it is a TopK SAE; fetch that too, or pass top_k=... "
            "(or threshold=...) if you know it"
        )
    if kind not in ("", "batchtopksae"):
        raise CheckpointError(f"{c.path}: the config's dict_class is {kind!r:.40}; BatchTopKSAE and AutoEncoderTopK have these tensors")
    if c.options.top_k is not None and c.options.threshold is None:
        return {**parts, "threshold": np.zeros(1), "top_k": c.top_k(None), "format": "dictionary_learning TopK"}
    return {**parts, "threshold": c.threshold(), "format": "dictionary_learning BatchTopK"}


def _linear_parameters(c: Checkpoint, bias: str, decoder_bias: str) -> tuple[dict[str, Any], dict[str, int]]:
    sizes: dict[str, int] = {}
    parts = {
        "w_enc": c.array("encoder.weight", "K", "d", sizes=sizes).T,
        "b_enc": c.array(bias, "K", sizes=sizes),
        "w_dec": c.array("decoder.weight", "d", "K", sizes=sizes).T,
        "b_dec": c.array(decoder_bias, "d", sizes=sizes),
    }
    c.agree(activation_dim=sizes["d"], dict_size=sizes["K"])
    return parts, sizes


def _linear(c: Checkpoint, kind: str, expected: str, decoder_bias: str) -> dict[str, Any]:
    """Its ReLU dictionaries, told apart by the names of their biases; one does not subtract the decoder's from the input."""
    _check_class(c, kind, expected)
    is_gated = expected == "gatedautoencoder"
    parts, sizes = _linear_parameters(c, "mag_bias" if is_gated else "encoder.bias", decoder_bias)
    if expected == "autoencodernew":
        parts["b_enc"] = parts["b_enc"] + product(parts["b_dec"], parts["w_enc"])
    if is_gated:
        return {**parts, **gated(c, parts, sizes, ("mag_bias", "r_mag", "gate_bias")), "format": "dictionary_learning gated"}
    return {**parts, "threshold": np.zeros(1), "format": "dictionary_learning ReLU"}


def jump_relu(c: Checkpoint) -> dict[str, Any]:
    """Jump-ReLU of dictionary_learning: bare parameters as SAELens has them, but the decoder's bias is not subtracted from the input."""
    _check_class(c, _trainer(c), "jumpreluautoencoder")
    parts, sizes = bare_parameters(c)
    c.agree(activation_dim=sizes["d"], dict_size=sizes["K"])
    parts["b_enc"] = parts["b_enc"] + product(parts["b_dec"], parts["w_enc"])
    return {**parts, "threshold": c.array("threshold", "K", sizes=sizes), "format": "dictionary_learning jump-ReLU"}


def _check_class(c: Checkpoint, kind: str, expected: str) -> None:
    if kind not in ("", expected):
        raise CheckpointError(f"{c.path}: the config's dict_class is {kind!r:.40}, the tensors are of the class {expected!r}")


def matryoshka(c: Checkpoint) -> dict[str, Any]:
    """Matryoshka BatchTopK of dictionary_learning (Bussmann et al. 2025): bare parameters and ``group_sizes``."""
    _check_class(c, _trainer(c), "matryoshkabatchtopksae")
    parts, sizes = bare_parameters(c)
    c.agree(activation_dim=sizes["d"], dict_size=sizes["K"])
    groups = c.array("group_sizes", "groups", sizes=sizes)
    if not (groups >= 1).all() or groups.sum() != sizes["K"]:
        raise CheckpointError(f"{c.path}: group_sizes {groups[:8].tolist()} are no sizes that sum to the {sizes['K']} concepts")
    sizes_of_groups = tuple(groups.astype(int).tolist())
    return {**parts, "threshold": c.threshold(), "groups": sizes_of_groups, "format": "dictionary_learning Matryoshka BatchTopK"}


def _trainer(c: Checkpoint) -> str:
    """The config's ``dict_class`` in lower case, "" where there is none; Matryoshka is spelt in two ways in public configs."""
    c.config = c.config.get("trainer", c.config)
    if not isinstance(c.config, dict):
        raise CheckpointError(f"{c.path}: the config's trainer is no object")
    return c.text("dict_class", "").lower().replace("matroyshka", "matryoshka")


def _agreed_k(c: Checkpoint) -> int:
    k = c.number("k")
    if k is not None:
        c.agree(k=int(k) if k.is_integer() else -1)
    return c.top_k(k if k is not None else c.config.get("k"))


def overcomplete(c: Checkpoint) -> dict[str, Any]:
    """overcomplete (Fel et al. 2025): one linear layer, perhaps batch norm, and a dictionary with a log multiplier."""
    sizes: dict[str, int] = {}
    weights = c.array("encoder.final_block.0.weight", "K", "d", sizes=sizes)
    bias = c.array("encoder.final_block.0.bias", "K", sizes=sizes).astype(np.float64)
    if any(str(name).startswith(("encoder.mlp_blocks", "encoder.attention_blocks")) for name in c.tensors):
        raise CheckpointError(f"{c.path}: an overcomplete encoder with hidden blocks is not read; the linear one is")
    scale = np.ones(sizes["K"])
    if "encoder.final_block.1.weight" in c.tensors and "encoder.final_block.1.running_var" not in c.tensors:
        raise CheckpointError(f"{c.path}: an overcomplete encoder with layer norm over its concepts is not read")
    if "encoder.final_block.1.running_var" in c.tensors:  # batch norm, frozen as in evaluation
        entries = (f"encoder.final_block.1.{n}" for n in ("running_mean", "running_var", "weight", "bias"))
        mean, var, gain, shift = (c.array(name, "K", sizes=sizes) for name in entries)
        scale = gain / np.sqrt(var.astype(np.float64) + 1e-5)
        bias = (bias - mean) * scale + shift
    multiplier = np.exp(c.number("dictionary.multiplier") or 0.0)
    return {
        "w_enc": (weights * scale[:, None].astype(np.float32)).T,
        "b_enc": bias,
        "w_dec": c.array("dictionary._weights", "K", "d", sizes=sizes) * np.float32(multiplier),
        "b_dec": np.zeros(sizes["d"]),
        **_overcomplete_gate(c, sizes),
    }


def _overcomplete_gate(c: Checkpoint, sizes: dict[str, int]) -> dict[str, Any]:
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
