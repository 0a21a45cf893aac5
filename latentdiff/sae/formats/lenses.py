"""SAEs of SAELens and ViT-Prisma, which grew from one code: standard, top-k, jump-ReLU, gated, with normalised inputs."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...errors import CheckpointError
from .checkpoint import Checkpoint, bare_parameters, gated, product

ROW_NORMS = {"none": "none", "layer_norm": "layer_norm", "constant_norm_rescale": "constant_norm"}
"""``normalize_activations`` of SAELens and ViT-Prisma -> our ``normalise``."""


def saelens(c: Checkpoint) -> dict[str, Any]:
    """SAELens: standard, top-k, jump-ReLU and gated (Rajamanoharan et al. 2024a, b), with its input normalisations.

    Checkpoints of its BatchTopK trainers are read as the jump-ReLU SAEs that they are saved as in the end.
    """
    architecture, activation = _saelens_kind(c)
    is_gated = architecture == "gated"
    parts, sizes = bare_parameters(c, bias="b_mag" if is_gated else "b_enc")
    c.agree(d_in=sizes["d"], d_sae=sizes["K"])
    second = "hook_point" in c.config and "architecture" not in c.config
    if second and c.entry("noise_scale"):
        raise CheckpointError(
            f"{c.path}: SAELens 2 adds noise to its codes (noise_scale = {c.config['noise_scale']!r:.40}); they are not read"
        )
    if not c.flag("apply_b_dec_to_input", True):
        parts["b_enc"] = parts["b_enc"] + product(parts["b_dec"], parts["w_enc"])
    out: dict[str, Any] = {**parts, "threshold": np.zeros(1), "normalise": _row_norm(c), "groups": _nested(c, sizes["K"])}
    if is_gated:
        out |= gated(c, out, sizes)
    elif architecture == "jumprelu":
        log = "threshold" not in c.tensors
        stored = c.array("log_threshold" if log else "threshold", "K", sizes=sizes).astype(np.float64)
        out["threshold"] = np.exp(stored) if log else stored
    elif architecture in TRAINED:
        c.heard.add("k")  # a mean, which the learnt threshold stands for
        out["threshold"] = c.threshold("topk_threshold", unlearnt=0.0)
    if activation == "topk":
        out["top_k"] = c.top_k(_saelens_k(c))
    _decoder_scales(c, out, sizes, second)
    return {**out, "format": f"SAELens {architecture}"}


TRAINED = ("batchtopk", "matryoshka_batchtopk")
"""Architectures of SAELens's trainers, with a global threshold in ``topk_threshold``."""
TRAINED_AS = "metadata.training_architecture"
"""What the architecture was called in training, in finished SAEs of SAELens 6."""
_STEERING = ("noise_scale", "jumprelu_tanh_scale", "jumprelu_ste_to_input", "use_sparse_activations", "target_l0")
IDLE_ENTRIES = (
    *_STEERING,
    *(f"{TRAINED_AS}_details.{name}" for name in (*_STEERING, "k", "rescale_acts_by_decoder_norm")),
    "reshape_activations",
    "*model_from_pretrained_kwargs.*",
    "model_kwargs.*",
)
"""What SAELens writes of training, of vectors in several heads, and of how it loads the language model."""
PRISMA_IDLE_ENTRIES = ("transcoder_with_skip_connection", "min_l0", "vit_model_cfg.*")
"""What ViT-Prisma writes of transcoders, of training and of the vision model."""


def _saelens_kind(c: Checkpoint) -> tuple[str, str]:
    architecture = c.text("architecture", "standard")
    known = ("standard", "topk", "jumprelu", "gated", *TRAINED)
    for name in (architecture, c.text(TRAINED_AS, architecture)):
        if name not in known:
            raise CheckpointError(f"{c.path}: a SAELens SAE of architecture {name!r:.60} is not read ({', '.join(known)} are)")
    # SAELens 4 and 5 name both and go by the activation; 6 has the architecture alone.
    activation = c.text("activation_fn", c.text("activation_fn_str", "topk" if architecture == "topk" else "relu"))
    if c.text("activation_fn_str", activation) != activation:
        raise CheckpointError(f"{c.path}: the config says activation_fn = {activation!r:.40}, and another in activation_fn_str")
    if activation not in ("relu", "topk"):
        raise CheckpointError(f"{c.path}: activation {activation!r} is not read (relu and topk are)")
    return architecture, activation


def _saelens_k(c: Checkpoint) -> Any:
    stated = [k for k in (c.entry("k"), c.entry("activation_fn_kwargs.k")) if k is not None]
    if stated and any(k != stated[0] for k in stated):
        raise CheckpointError(f"{c.path}: the config says k = {stated[0]!r:.40}, and {stated[1]!r:.40} in activation_fn_kwargs")
    return stated[0] if stated else None


def _nested(c: Checkpoint, concepts: int) -> tuple[int, ...] | None:
    """Group sizes of an SAE that was trained with nested widths, which SAELens lists cumulatively; finished ones keep them as metadata."""
    widths = c.entry("matryoshka_widths", c.entry(f"{TRAINED_AS}_details.matryoshka_widths"))
    if not isinstance(widths, list) or not all(type(w) is int for w in widths) or not widths or widths[-1] != concepts:
        return None
    sizes = tuple(b - a for a, b in zip([0, *widths[:-1]], widths, strict=True))
    return sizes if min(sizes) > 0 else None


def _decoder_scales(c: Checkpoint, out: dict[str, Any], sizes: dict[str, int], always: bool) -> None:
    """Scales that SAELens applies beside the weights: of fine-tuning (``always`` in SAELens 2), and by decoder norms."""
    older = "scaling_factor"  # its name in SAELens 3 and before, where it was written, all ones, without any fine-tuning too
    name = older if older in c.tensors else "finetuning_scaling_factor"
    if c.flag("finetuning_scaling_factor", False) or (always and older in c.tensors):
        out["w_dec"] = out["w_dec"] * c.array(name, "K", sizes=sizes)[:, None]
    elif older in c.tensors and not np.allclose(c.array(older, "K", sizes=sizes), 1):
        raise CheckpointError(f"{c.path} holds a scaling_factor, its config says finetuning_scaling_factor = false; one is wrong")
    if c.flag("rescale_acts_by_decoder_norm", False):
        norms = np.linalg.norm(out["w_dec"], axis=1)
        out["w_enc"], out["b_enc"] = out["w_enc"] * norms, out["b_enc"] * norms
        out["w_dec"] = out["w_dec"] / np.where(norms > 0, norms, 1)[:, None]  # a zero direction never fires


def prisma(c: Checkpoint) -> dict[str, Any]:
    """ViT-Prisma: standard (ReLU or top-k) and gated SAEs of the residual stream."""
    architecture = c.text("architecture", "gated" if "b_gate" in c.tensors else "standard")
    if architecture not in ("standard", "gated"):
        raise CheckpointError(f"{c.path}: a ViT-Prisma SAE of architecture {architecture!r} is not read (standard and gated are)")
    is_gated = architecture == "gated"
    if c.entry("is_transcoder"):
        raise CheckpointError(f"{c.path} is a transcoder: it maps one layer to another and is no autoencoder")
    parts, sizes = bare_parameters(c, bias="b_mag" if is_gated else "b_enc")
    c.agree(d_in=sizes["d"], d_sae=sizes["K"])
    activation = c.text("activation_fn_str", "relu")
    out: dict[str, Any] = {**parts, "threshold": np.zeros(1), "normalise": _row_norm(c)}
    if is_gated:
        out |= gated(c, out, sizes)
    if activation == "topk" and not is_gated:
        out["top_k"] = c.top_k(_saelens_k(c))
    elif activation != "relu":
        raise CheckpointError(f"{c.path}: activation {activation!r} of a {architecture} SAE is not read")
    return {**out, "format": f"ViT-Prisma {architecture}"}


def _row_norm(c: Checkpoint) -> str:
    stored = c.entry("normalize_activations")
    older = {True: "expected_average_only_in", False: "none"}  # SAELens 2
    name = older[stored] if isinstance(stored, bool) else c.text("normalize_activations", "none")
    if name not in ROW_NORMS:
        why = "; its scale is not in the file: save it again with the scale folded into the weights" if "expected" in name else ""
        raise CheckpointError(f"{c.path}: normalize_activations {name!r} is not read ({', '.join(ROW_NORMS)} are){why}")
    return ROW_NORMS[name]
