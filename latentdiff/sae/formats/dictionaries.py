"""SAEs of dictionary_learning, which Pach et al. (2025) used, and plain pairs of linear layers."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...errors import CheckpointError
from .checkpoint import Checkpoint, bare_parameters, gated, product


def dictionary_learning(c: Checkpoint) -> dict[str, Any]:
    """Dictionaries whose weights are of ``nn.Linear``, told apart by ``dict_class``, or by names that only one class has.

    Codes are those of the class's ``encode`` on the weights in the file. Its April variant also multiplies them by the lengths of the
    decoder's columns in ``forward(output_features=True)``, and ``from_pretrained`` does so with an ``AutoEncoder``: both are other units.
    """
    kind = _trainer(c)
    if "gate_bias" in c.tensors:
        return _linear(c, kind, "gatedautoencoder", "decoder_bias")
    if "bias" in c.tensors and "b_dec" not in c.tensors:
        return _linear(c, kind, "autoencoder", "bias")
    if "decoder.bias" in c.tensors:
        return _linear(c, kind, "autoencodernew", "decoder.bias") if kind else _two_layers(c)
    return _centred(c, kind)


def _centred(c: Checkpoint, kind: str) -> dict[str, Any]:
    """TopK and BatchTopK, whose files hold the same tensors: newer TopK dictionaries carry a threshold that they do not use."""
    parts, _ = _linear_parameters(c, "encoder.bias", "b_dec")
    if kind not in ("", "batchtopksae", "autoencodertopk"):
        raise CheckpointError(f"{c.path}: the config's dict_class is {kind!r:.40}; BatchTopKSAE and AutoEncoderTopK have these tensors")
    if not kind and c.options.top_k is None and c.options.threshold is None:
        raise CheckpointError(
            f"{c.path}: no config.json beside it says whether it is a TopK or a BatchTopK SAE, which have the same tensors; fetch it too, "
            "or pass top_k=... of a TopK SAE (or threshold=... of a BatchTopK SAE)"
        )
    k = _agreed_k(c)
    if kind == "autoencodertopk" or (not kind and c.options.top_k is not None):
        c.used.add("threshold")
        return {**parts, "threshold": np.zeros(1), "top_k": c.top_k(k), "format": "dictionary_learning TopK"}
    return {**parts, "threshold": c.threshold(), "format": "dictionary_learning BatchTopK"}


def _two_layers(c: Checkpoint) -> dict[str, Any]:
    """Two linear layers that no class is known of: ``gate(W h + b)``, with the gate that the user names."""
    parts, sizes = _linear_parameters(c, "encoder.bias", "decoder.bias")
    parts["b_enc"] = parts["b_enc"] + product(parts["b_dec"], parts["w_enc"])
    activation, k = c.entry("activation", ""), c.entry("k")
    said = {"topk": c.options.top_k, "relu": c.options.threshold if c.options.threshold == 0 else None}
    if c.options.top_k is not None and activation in ("", "topk"):
        return {**parts, "threshold": np.zeros(1), "top_k": c.top_k(k), "format": "two linear layers, TopK"}
    if c.options.threshold is not None and activation in ("", "relu"):
        return {**parts, "threshold": np.full(sizes["K"], c.options.threshold), "format": "two linear layers, ReLU"}
    advice = "top_k=..." if activation == "topk" else "threshold=0" if activation == "relu" else "top_k=... or threshold=0"
    told = f"its config says activation = {activation!r:.40}" if activation else "no config beside it says of which class it is"
    can = f"pass {advice} if its codes are those of the first layer alone" if not activation or activation in said else "it is not read"
    raise CheckpointError(
        f"{c.path} holds two linear layers, as many SAEs do, and {told}; dictionary_learning names its class in config.json (trainer, "
        f"dict_class). Fetch that file too; or {can}"
    )


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
    _agreed_k(c)
    groups = c.array("group_sizes", "groups", sizes=sizes)
    if not (groups >= 1).all() or groups.sum() != sizes["K"]:
        raise CheckpointError(f"{c.path}: group_sizes {groups[:8].tolist()} are no sizes that sum to the {sizes['K']} concepts")
    sizes_of_groups = tuple(groups.astype(int).tolist())
    return {**parts, "threshold": c.threshold(), "groups": sizes_of_groups, "format": "dictionary_learning Matryoshka BatchTopK"}


def _trainer(c: Checkpoint) -> str:
    """The config's ``dict_class`` in lower case, "" where there is none; Matryoshka is spelt in two ways in public configs."""
    if "trainer" in c.config:
        c.enter("trainer")
    kind = c.text("dict_class", "")
    if kind:
        c.heard.add(f"{c.inside}trainer_class")  # which trains that class and no other
    return kind.lower().replace("matroyshka", "matryoshka")


def _agreed_k(c: Checkpoint) -> float | int | None:
    """k of the tensors or of the config, which agree where both state one; of the batch kinds it is a mean, for the threshold."""
    k = c.number("k")
    if k is not None:
        c.agree(k=int(k) if k.is_integer() else -1)
    value: float | int | None = k if k is not None else c.entry("k")
    return value
