"""Writers of formats whose libraries keep their config in other places: a first line, a hub layout, a repository's ``config.json``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file

from .published import NORMS, D, K, Published, Row, Writer, keep_largest, relu, variant, weights, wide, write_json

TOP = 4


def bussmann(folder: Path, seed: int, *, kind: str = "topk", unit_norm: bool = False, tied: bool = False) -> Published:
    """bartbussmann/BatchTopK and matryoshka_sae: encoders of the top-k kinds have no bias, that of jump-ReLU sees the raw input."""
    w, groups = weights(seed), (2, 4, 8)
    with_bias = kind in ("vanilla", "jumprelu")
    state = {"W_enc": w["enc"], "b_enc": w["be"] if with_bias else torch.zeros(K), "W_dec": w["dec"], "b_dec": w["bd"]}
    config: dict[str, Any] = {"sae_type": kind, "act_size": D, "dict_size": K, "input_unit_norm": unit_norm, "top_k": TOP, "top_k_aux": 512}
    config |= {"dtype": "torch.float32", "l1_coeff": 0.0, "aux_penalty": 0.03125, "n_batches_to_dead": 5, "model_name": "gpt2-small"}
    config |= {"bandwidth": 0.001, "hook_point": "blocks.8.hook_resid_pre", "max_grad_norm": 100000, "tied_weights": tied}
    if kind == "jumprelu":
        state["jumprelu.log_threshold"] = w["r"] - 1
    if "atch" in kind or "matryoshka" in kind:
        state["threshold"] = torch.tensor(0.2)
    if "matryoshka" in kind:
        config["group_sizes"] = str(list(groups))
    write_json(folder / "config.json", config)
    torch.save(state, folder / "sae.pt")
    norm = "layer_norm" if unit_norm else "none"
    dictionary = wide(w["enc"]).T if tied else wide(w["dec"])

    def encode(h: Row) -> Row:
        x = NORMS[norm](h)[0]
        if kind == "jumprelu":
            a = relu(x @ wide(w["enc"]) + wide(w["be"]))
            return a * (a > np.exp(wide(state["jumprelu.log_threshold"])))
        a = relu((x - wide(w["bd"])) @ wide(w["enc"]) + wide(state["b_enc"]))
        if kind == "topk":
            return keep_largest(a, TOP)
        return a if kind == "vanilla" else a * (a > float(np.float32(0.2)))

    def decode(z: Row, h: Row) -> Row:
        _, shift, scale = NORMS[norm](h)
        return (z @ dictionary + wide(w["bd"])) * scale + shift

    return Published(folder, encode, decode, groups=groups if "matryoshka" in kind else None)


def sparsify(folder: Path, seed: int) -> Published:
    w = weights(seed)
    state = {"encoder.weight": w["enc"].T.contiguous(), "encoder.bias": w["be"], "W_dec": w["dec"], "b_dec": w["bd"]}
    save_file(state, folder / "sae.safetensors")
    config = {"activation": "topk", "expansion_factor": 32, "normalize_decoder": True, "num_latents": K, "k": TOP, "multi_topk": False}
    write_json(folder / "cfg.json", {**config, "skip_connection": False, "transcode": False, "d_in": D})

    def encode(h: Row) -> Row:
        return keep_largest(relu((h - wide(w["bd"])) @ wide(w["enc"]) + wide(w["be"])), TOP)

    return Published(folder, encode, lambda z, h: z @ wide(w["dec"]) + wide(w["bd"]))


def saev(folder: Path, seed: int, *, schema: int = 0, k: int = 0, learnt: float | None = None) -> Published:
    """Files of saev: its first version has no schema and centres; those from schema 2 on do not, and may hold a learnt threshold."""
    w = weights(seed, D, 2 * D)
    settings: dict[str, Any] = {"d_vit": D, "exp_factor": 2, "n_reinit_samples": 64, "normalize_w_dec": True, "seed": 0}
    if schema > 2:
        settings = {"d_model": D, "d_sae": 2 * D, "reinit_blend": 0.8, "remove_parallel_grads": True, "normalize_w_dec": True}
    kind = "BatchTopK" if learnt is not None else "TopK" if k else "Relu"
    header: dict[str, Any] = {**settings, "sparsity_coeff": 0.0004, "ghost_grads": False}
    if schema == 1:
        header = {"schema": 1, "cfg": {**settings, **({"top_k": k} if k else {})}, "cls": kind, "commit": "unknown", "lib": "0.1.0"}
    if schema >= 2:
        activation: dict[str, Any] = {"cls": kind, "params": {"top_k": k} if k else {}}
        if schema > 2:
            activation["params"] |= {"kind": kind.lower(), "sparsity": {"cls": "NoSparsity", "params": {"kind": "no-sparsity"}}}
        header = {"schema": schema, "cfg": {**settings, "activation": activation}, "commit": "unknown", "lib": "0.1.0"}
    state = {"W_enc": w["enc"], "b_enc": w["be"], "W_dec": w["dec"], "b_dec": w["bd"]}
    if learnt is not None:
        state["activation.threshold"] = torch.tensor(learnt)
    with open(folder / "sae.pt", "wb") as f:
        f.write((json.dumps(header) + "\n").encode())
        torch.save(state, f)
    before = np.zeros(D) if schema >= 2 else wide(w["bd"])

    def encode(h: Row) -> Row:
        a = relu((h - before) @ wide(w["enc"]) + wide(w["be"]))
        if learnt is not None:
            return a * (a > max(float(np.float32(learnt)), 0.0))
        return keep_largest(a, k) if k else a

    return Published(folder / "sae.pt", encode, lambda z, h: z @ wide(w["dec"]) + wide(w["bd"]))


def visaebench(
    folder: Path, seed: int, *, kind: str = "topk", bias: bool = True, named: bool = False, yaml: bool = False
) -> Published:
    """VisAEBench: both weights (K, d), nothing subtracted from the input."""
    w, prefix = weights(seed), "encoder.final_block.0." if named else "encoder."
    state = {f"{prefix}weight": w["enc"].T.contiguous(), f"{prefix}bias": w["be"]}
    state |= {"dictionary._weights": w["dec"], "dictionary.multiplier": torch.tensor(0.3)} if named else {"decoder.weight": w["dec"]}
    config: dict[str, Any] = {"activation": kind, "input_dim": D, "hidden_dim": K, "expansion_factor": 16, "backbone": "clip_vitb16"}
    config |= {"k": TOP} if kind == "topk" else {"threshold": 0.25} if kind == "batchtopk" else {}
    if bias and not named:
        state["decoder.bias"] = w["bd"]
    if kind == "jumprelu":
        state["jump_thresholds"] = w["r"].abs()
    if yaml:
        (folder / "config.yaml").write_text("".join(f"{name}: {value}\n" for name, value in config.items()), encoding="utf8")
    else:
        write_json(folder / "config.json", config)
    torch.save(state, folder / "sae.pt")
    after = wide(w["bd"]) if bias and not named else np.zeros(D)
    scale = np.exp(float(np.float32(0.3))) if named else 1.0

    def encode(h: Row) -> Row:
        a = relu(h @ wide(w["enc"]) + wide(w["be"]))
        if kind == "jumprelu":
            return a * (a > wide(state["jump_thresholds"]))
        return keep_largest(a, TOP) if kind == "topk" else a * (a >= 0.25)

    return Published(folder, encode, lambda z, h: z @ wide(w["dec"]) * scale + after)


def archetypal(
    folder: Path, seed: int, *, encoder: str = "linear", bias: bool = False, jump: bool = False, plain: bool = False
) -> Published:
    """overcomplete's archetypal dictionaries, and its encoders ``tied()`` to the dictionary and ``untied()`` from it."""
    w, g = weights(seed), torch.Generator().manual_seed(seed)
    mixture, points, relax = torch.randn(K, 5, generator=g), torch.randn(5, D, generator=g), 0.1 * torch.randn(K, D, generator=g)
    scale = np.exp(float(np.float32(0.3)))
    unit = w["dec"] / w["dec"].norm(dim=1, keepdim=True)
    inner = {"_weights": unit} if plain else {"W": mixture, "C": points, "Relax": relax}
    inner["multiplier"] = torch.tensor(0.3)
    state = {f"dictionary.{name}": t for name, t in inner.items()}
    rows = np.maximum(wide(mixture), 0)
    dictionary = wide(unit) if plain else rows / (rows.sum(1, keepdims=True) + 1e-8) @ wide(points) + wide(relax)
    dictionary = dictionary * scale
    if encoder == "linear":
        state |= {"encoder.final_block.0.weight": w["enc"].T.contiguous(), "encoder.final_block.0.bias": w["be"]}
    elif encoder == "untied":
        state["encoder.weight"] = w["enc"].T.contiguous()
    else:
        state |= {f"encoder.tied_to.{name}": t for name, t in inner.items()}
    if bias:
        state["encoder.bias"] = w["be"]
    if jump:
        state["thresholds"] = w["r"] - 1
    torch.save(state, folder / "model.pth")
    matrix = dictionary.T if encoder == "tied" else wide(w["enc"])
    before = wide(w["be"]) if bias or encoder == "linear" else np.zeros(K)

    def encode(h: Row) -> Row:
        a = relu(h @ matrix + before)
        return np.where(a >= np.exp(wide(state["thresholds"])), a, 0.0) if jump else keep_largest(a, TOP)

    return Published(folder, encode, lambda z, h: z @ dictionary, {} if jump else {"top_k": TOP})


def saelens_2(folder: Path, seed: int, *, subtract: bool = True, scaled: bool = False) -> Published:
    """SAELens 2: no architecture in its config, which has ``hook_point_layer`` as ViT-Prisma's has; the scaling factor always applies."""
    w = weights(seed)
    scale = 1 + w["extra"].abs() if scaled else torch.ones(K)
    state = {"W_enc": w["enc"], "b_enc": w["be"], "W_dec": w["dec"], "b_dec": w["bd"], "scaling_factor": scale}
    save_file(state, folder / "sae_weights.safetensors")
    config = {"model_name": "gpt2-small", "hook_point": "blocks.2.hook_resid_pre", "hook_point_layer": 2, "d_in": D, "d_sae": K}
    config |= {"activation_fn": "relu", "apply_b_dec_to_input": subtract, "noise_scale": 0.0, "normalize_activations": False, "lp_norm": 1}
    config |= {"normalize_sae_decoder": True, "b_dec_init_method": "geometric_median", "use_cached_activations": False}
    write_json(folder / "cfg.json", {**config, "mse_loss_normalization": None, "sae_lens_version": "2.1.3"})

    def encode(h: Row) -> Row:
        return relu((h - (wide(w["bd"]) if subtract else 0.0)) @ wide(w["enc"]) + wide(w["be"]))

    return Published(folder, encode, lambda z, h: z * wide(scale) @ wide(w["dec"]) + wide(w["bd"]))


def saelens_trained(folder: Path, seed: int, *, nested: bool = True, rescale: bool = True, finished: bool = False) -> Published:
    """SAELens 6's trainers of BatchTopK and Matryoshka SAEs, while training and finished (a jump-ReLU with its widths as metadata)."""
    w, widths = weights(seed), [2, 6, K]
    lengths = w["dec"].norm(dim=1) if rescale else torch.ones(K)
    state = {
        "W_enc": w["enc"],
        "b_enc": w["be"],
        "W_dec": w["dec"],
        "b_dec": w["bd"],
        "topk_threshold": torch.tensor(0.2, dtype=torch.float64),
    }
    config: dict[str, Any] = {"d_in": D, "d_sae": K, "apply_b_dec_to_input": True, "normalize_activations": "none", "metadata": {}}
    details = {"k": 3.0, "topk_threshold_lr": 0.01, "matryoshka_widths": widths} if nested else {"k": 3.0}
    kind = "matryoshka_batchtopk" if nested else "batchtopk"
    if finished:
        state |= {"W_enc": w["enc"] * lengths, "b_enc": w["be"] * lengths, "W_dec": w["dec"] / lengths[:, None]}
        del state["topk_threshold"]
        state["threshold"] = torch.full((K,), 0.2)
        metadata = {"training_architecture": kind, "training_architecture_details": details}
        config |= {"architecture": "jumprelu", "metadata": metadata}
    else:
        config |= {
            "architecture": kind,
            "rescale_acts_by_decoder_norm": rescale,
            "decoder_init_norm": 0.1,
            "aux_loss_coefficient": 1.0,
            **details,
        }
    write_json(folder / "cfg.json", config)
    save_file({name: t.contiguous() for name, t in state.items()}, folder / "sae_weights.safetensors")
    limit = float(np.float32(0.2))

    def encode(h: Row) -> Row:
        a = relu(((h - wide(w["bd"])) @ wide(w["enc"]) + wide(w["be"])) * wide(lengths))
        return a * (a > limit)

    return Published(folder, encode, lambda z, h: z / wide(lengths) @ wide(w["dec"]) + wide(w["bd"]), groups=(2, 4, 8) if nested else None)


OTHERS: dict[str, tuple[str, Writer]] = {
    "bussmann vanilla": ("bartbussmann vanilla", variant(bussmann, kind="vanilla")),
    "bussmann topk": ("bartbussmann topk", bussmann),
    "bussmann topk, unit norm": ("bartbussmann topk", variant(bussmann, unit_norm=True)),
    "bussmann tied": ("bartbussmann topk", variant(bussmann, tied=True)),
    "bussmann batch topk": ("bartbussmann batchtopk", variant(bussmann, kind="batch-topk", unit_norm=True)),
    "bussmann jumprelu": ("bartbussmann jumprelu", variant(bussmann, kind="jumprelu", unit_norm=True)),
    "bussmann matryoshka": ("bartbussmann matryoshka", variant(bussmann, kind="global-matryoshka-topk")),
    "sparsify": ("sparsify TopK", sparsify),
    "visaebench topk": ("VisAEBench TopK", visaebench),
    "visaebench topk, YAML": ("VisAEBench TopK", variant(visaebench, yaml=True)),
    "visaebench jumprelu, YAML": ("VisAEBench jump-ReLU", variant(visaebench, kind="jumprelu", yaml=True)),
    "visaebench batchtopk": ("VisAEBench BatchTopK", variant(visaebench, kind="batchtopk", bias=False)),
    "visaebench jumprelu": ("VisAEBench jump-ReLU", variant(visaebench, kind="jumprelu")),
    "visaebench, overcomplete's names": ("VisAEBench TopK", variant(visaebench, named=True)),
    "overcomplete archetypal": ("overcomplete TopKSAE", archetypal),
    "overcomplete archetypal jump": ("overcomplete JumpSAE", variant(archetypal, jump=True)),
    "overcomplete archetypal tied": ("overcomplete TopKSAE", variant(archetypal, encoder="tied", bias=True)),
    "overcomplete tied": ("overcomplete TopKSAE", variant(archetypal, encoder="tied", plain=True)),
    "overcomplete untied": ("overcomplete TopKSAE", variant(archetypal, encoder="untied", plain=True, bias=True)),
    "saelens 2": ("SAELens standard", saelens_2),
    "saelens 2, scaled, b_dec not subtracted": ("SAELens standard", variant(saelens_2, subtract=False, scaled=True)),
    "saelens training": ("SAELens matryoshka_batchtopk", saelens_trained),
    "saelens training, not rescaled": ("SAELens batchtopk", variant(saelens_trained, nested=False, rescale=False)),
    "saelens trained": ("SAELens jumprelu", variant(saelens_trained, finished=True)),
}
"""Name -> (the format that is to be recognised, its writer); saev, whose K is a multiple of d, stands apart."""
