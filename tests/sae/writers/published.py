"""Writes the files of each published format with known weights, and says in naive float64 numpy what its codes have to be.

Nothing here knows the reader: layouts are built as their projects' code builds them (``nn.Linear`` state dicts, ``torch.save``,
safetensors), and codes are computed row by row from the equation each project documents.
"""

from __future__ import annotations

import gzip
import json
import pickle
import sys
import types
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file

Row = np.ndarray
D, K = 6, 14


@dataclass
class Published:
    """A checkpoint on disk and what it means."""

    path: Path
    encode: Callable[[Row], Row]
    """(d,) float64 vector -> (K,) codes by the published equation."""
    decode: Callable[[Row, Row], Row]
    """(K,) codes and the (d,) vector -> the (d,) reconstruction."""
    options: dict[str, Any] = field(default_factory=dict)
    groups: tuple[int, ...] | None = None

    def codes(self, x: np.ndarray) -> np.ndarray:
        return np.array([self.encode(h) for h in x.astype(np.float64)])

    def rebuilt(self, x: np.ndarray) -> np.ndarray:
        return np.array([self.decode(self.encode(h), h) for h in x.astype(np.float64)])


def weights(seed: int, d: int = D, k: int = K) -> dict[str, torch.Tensor]:
    g = torch.Generator().manual_seed(seed)
    shapes = {"enc": (d, k), "be": (k,), "dec": (k, d), "bd": (d,), "extra": (k,), "r": (k,)}
    return {name: 0.4 * torch.randn(shape, generator=g) for name, shape in shapes.items()}


def wide(t: torch.Tensor) -> np.ndarray:
    return t.to(torch.float64).numpy()


def relu(a: Row) -> Row:
    return np.where(a > 0, a, 0.0)


def keep_largest(a: Row, k: int) -> Row:
    kept = np.zeros_like(a)
    for i in sorted(range(len(a)), key=lambda i: -a[i])[:k]:
        kept[i] = a[i]
    return kept


def write_json(path: Path, value: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value))


def linear_state(w: dict[str, torch.Tensor]) -> dict[str, Any]:
    """State dict of dictionary_learning's modules: an encoder and a decoder ``nn.Linear``, and a decoder bias."""
    k, d = w["dec"].shape
    module = torch.nn.Module()
    module.encoder, module.decoder = torch.nn.Linear(d, k), torch.nn.Linear(k, d, bias=False)
    with torch.no_grad():
        module.encoder.weight.copy_(w["enc"].T)
        module.encoder.bias.copy_(w["be"])
        module.decoder.weight.copy_(w["dec"].T)
    module.b_dec = torch.nn.Parameter(w["bd"].clone())
    return module.state_dict()


def trainer_config(dict_class: str, **more: Any) -> dict[str, Any]:
    trainer = {"trainer_class": "Trainer", "dict_class": dict_class, "activation_dim": D, "dict_size": K, "lm_name": "clip", "layer": 22}
    return {"trainer": {**trainer, **more}, "buffer": {"d_submodule": D, "ctx_len": 1}}


def pach(folder: Path, seed: int, *, step: bool = False, threshold: float = 0.25) -> Published:
    w = weights(seed)
    state = linear_state(w) | {"k": torch.tensor(3, dtype=torch.int), "threshold": torch.tensor(threshold)}
    write_json(folder / "config.json", trainer_config("BatchTopKSAE", k=3))
    path = folder / "checkpoints" / "ae_100000.pt" if step else folder / "ae.pt"
    path.parent.mkdir(exist_ok=True, parents=True)
    torch.save(state, path)

    def encode(h: Row) -> Row:
        a = relu((h - wide(w["bd"])) @ wide(w["enc"]) + wide(w["be"]))
        return a * (a > threshold)

    return Published(path if step else folder, encode, lambda z, h: z @ wide(w["dec"]) + wide(w["bd"]))


def matryoshka(folder: Path, seed: int, *, spelling: str = "MatroyshkaBatchTopKSAE") -> Published:
    w, groups = weights(seed), (1, 3, 10)
    state = {"W_enc": w["enc"], "b_enc": w["be"], "W_dec": w["dec"], "b_dec": w["bd"], "k": torch.tensor(3, dtype=torch.int)}
    state |= {"threshold": torch.tensor(0.2), "group_sizes": torch.tensor(groups)}
    write_json(folder / "config.json", trainer_config(spelling, k=3, group_sizes=list(groups)))
    torch.save(state, folder / "ae.pt")

    def encode(h: Row) -> Row:
        a = relu((h - wide(w["bd"])) @ wide(w["enc"]) + wide(w["be"]))
        return a * (a > float(np.float32(0.2)))

    return Published(folder, encode, lambda z, h: z @ wide(w["dec"]) + wide(w["bd"]), groups=groups)


def topk(folder: Path, seed: int, *, unused_threshold: bool = False) -> Published:
    w = weights(seed)
    state = linear_state(w) | {"k": torch.tensor(4, dtype=torch.int)}
    if unused_threshold:
        state["threshold"] = torch.tensor(-1.0)
    write_json(folder / "config.json", trainer_config("AutoEncoderTopK", k=4))
    torch.save(state, folder / "ae.pt")

    def encode(h: Row) -> Row:
        return keep_largest(relu((h - wide(w["bd"])) @ wide(w["enc"]) + wide(w["be"])), 4)

    return Published(folder, encode, lambda z, h: z @ wide(w["dec"]) + wide(w["bd"]))


def relu_dictionary(folder: Path, seed: int, *, newer: bool = False) -> Published:
    """dictionary_learning's AutoEncoder, whose encoder takes x - bias, and AutoEncoderNew, whose encoder takes x itself."""
    w = weights(seed)
    state = {name: t for name, t in linear_state(w).items() if name != "b_dec"}
    state["decoder.bias" if newer else "bias"] = w["bd"]
    write_json(folder / "config.json", trainer_config("AutoEncoderNew" if newer else "AutoEncoder"))
    torch.save(state, folder / "ae.pt")
    before = np.zeros(D) if newer else wide(w["bd"])

    def encode(h: Row) -> Row:
        return relu((h - before) @ wide(w["enc"]) + wide(w["be"]))

    return Published(folder, encode, lambda z, h: z @ wide(w["dec"]) + wide(w["bd"]))


def gated_dictionary(folder: Path, seed: int) -> Published:
    w = weights(seed)
    state = {name: t for name, t in linear_state(w).items() if name not in ("b_dec", "encoder.bias")}
    state |= {"decoder_bias": w["bd"], "r_mag": w["r"], "gate_bias": w["be"], "mag_bias": w["extra"]}
    write_json(folder / "config.json", trainer_config("GatedAutoEncoder"))
    torch.save(state, folder / "ae.pt")

    def encode(h: Row) -> Row:
        p = (h - wide(w["bd"])) @ wide(w["enc"])
        return (p + wide(w["be"]) > 0) * relu(np.exp(wide(w["r"])) * p + wide(w["extra"]))

    return Published(folder, encode, lambda z, h: z @ wide(w["dec"]) + wide(w["bd"]))


def jump_dictionary(folder: Path, seed: int) -> Published:
    w = weights(seed)
    state = {"W_enc": w["enc"], "b_enc": w["be"], "W_dec": w["dec"], "b_dec": w["bd"], "threshold": w["r"].abs()}
    write_json(folder / "config.json", trainer_config("JumpReluAutoEncoder"))
    torch.save(state, folder / "ae.pt")

    def encode(h: Row) -> Row:
        a = h @ wide(w["enc"]) + wide(w["be"])
        return relu(a * (a > wide(state["threshold"])))

    return Published(folder, encode, lambda z, h: z @ wide(w["dec"]) + wide(w["bd"]))


def msae(folder: Path, seed: int, *, activation: str = "TopKReLU_3_RW", tied: bool = False, mean: str = "tensor") -> Published:
    w, scale = weights(seed), 1.7
    centre = w["extra"][:D] + 0.5
    state = {"pre_bias": w["bd"], "encoder": w["enc"], "latent_bias": w["be"]}
    state["latents_activation_frequency"] = torch.zeros(K, dtype=torch.int64)
    if not tied:
        state["decoder"] = w["dec"]
    if activation == "JumpReLU":
        state["activation.log_threshold"] = w["r"] - 1
    means = {"tensor": centre, "numpy": centre.numpy(), "zero": 0.0}
    scales = {"tensor": torch.tensor(scale), "numpy": np.float32(scale), "zero": scale}
    content = {"model": state, "mean_center": means[mean], "scaling_factor": scales[mean], "target_norm": np.float64(1.0)}
    path = folder / f"{K}_{D}_{activation}_{tied}_False_0.0_cc3m_ViT-L~14_train_image_2905936_768.pth"
    torch.save(content, path)
    mu, s = (np.zeros(D) if mean == "zero" else wide(centre)), float(np.float32(scale)) if mean != "zero" else scale
    dictionary = wide(w["enc"]).T if tied else wide(w["dec"])

    def encode(h: Row) -> Row:
        a = relu(((h - mu) * s - wide(w["bd"])) @ wide(w["enc"]) + wide(w["be"]))
        if activation == "JumpReLU":
            return a * (a > np.exp(wide(state["activation.log_threshold"])))
        return keep_largest(a, 3) if "TopK" in activation else a

    return Published(path, encode, lambda z, h: (z @ dictionary + wide(w["bd"])) / s + mu)


NORMS: dict[str, Callable[[Row], tuple[Row, float, float]]] = {
    "none": lambda h: (h, 0.0, 1.0),
    "layer_norm": lambda h: ((h - h.mean()) / (h.std(ddof=1) + 1e-5), h.mean(), h.std(ddof=1)),
    "constant_norm_rescale": lambda h: (h * np.sqrt(len(h)) / np.linalg.norm(h), 0.0, np.linalg.norm(h) / np.sqrt(len(h))),
}
"""Row -> normalised row, and the shift and scale that are put back after decoding."""


def saelens(
    folder: Path,
    seed: int,
    *,
    architecture: str = "standard",
    norm: str | bool = "none",
    subtract: bool = True,
    log_threshold: bool = False,
    rescale: bool = False,
    finetuned: str = "",
    old_topk: bool = False,
    half: bool = False,
) -> Published:
    w = weights(seed)
    rows = NORMS["none" if norm is False else str(norm)]
    if half:
        w = {name: t.to(torch.bfloat16) for name, t in w.items()}
    state = {"W_enc": w["enc"], "b_enc": w["be"], "W_dec": w["dec"], "b_dec": w["bd"]}
    config: dict[str, Any] = {"architecture": architecture, "d_in": D, "d_sae": K, "dtype": "float32", "device": "cpu"}
    config |= {"apply_b_dec_to_input": subtract, "normalize_activations": norm, "metadata": {"model_name": "gpt2", "hook_name": "blocks.3"}}
    if architecture == "jumprelu":
        state["log_threshold" if log_threshold else "threshold"] = w["r"] - 1 if log_threshold else w["r"].abs()
    if architecture == "gated":
        del state["b_enc"]
        state |= {"b_gate": w["be"], "r_mag": w["r"], "b_mag": w["extra"]}
    if old_topk:
        config |= {"activation_fn_str": "topk", "activation_fn_kwargs": {"k": 4}}
    if architecture == "topk":
        config |= {"k": 4, "rescale_acts_by_decoder_norm": rescale}
    if finetuned:
        state[finetuned] = 1 + w["extra"].abs()
        config["finetuning_scaling_factor"] = True
    write_json(folder / "cfg.json", config)
    save_file({name: t.contiguous() for name, t in state.items()}, folder / "sae_weights.safetensors")
    save_file({"sparsity": torch.zeros(K)}, folder / "sparsity.safetensors")
    lengths = np.linalg.norm(wide(w["dec"]), axis=1) if rescale else np.ones(K)
    factor = wide(state[finetuned]) if finetuned else np.ones(K)

    def encode(h: Row) -> Row:
        x = rows(h)[0] - (wide(w["bd"]) if subtract else 0.0)
        p = x @ wide(w["enc"])
        if architecture == "gated":
            return (p + wide(w["be"]) > 0) * relu(x @ (wide(w["enc"]) * np.exp(wide(w["r"]))) + wide(w["extra"]))
        a = (p + wide(w["be"])) * lengths
        if architecture == "jumprelu":
            limit = np.exp(wide(state["log_threshold"])) if log_threshold else wide(state["threshold"])
            return relu(a) * (a > limit)
        return keep_largest(relu(a), 4) if architecture == "topk" or old_topk else relu(a)

    def decode(z: Row, h: Row) -> Row:
        _, shift, scale = rows(h)
        return ((z / lengths * factor) @ wide(w["dec"]) + wide(w["bd"])) * scale + shift

    return Published(folder, encode, decode)


PRISMA_CONFIG = {
    "model_class_name": "HookedViT",
    "model_name": "open-clip:laion/CLIP-ViT-B-32-DataComp.XL-s13B-b90K",
    "hook_point_layer": 9,
    "layer_subtype": "hook_mlp_out",
    "d_in": D,
    "d_sae": K,
    "expansion_factor": 64,
    "activation_fn_str": "relu",
    "activation_fn_kwargs": {},
    "normalize_activations": None,
    "l1_coefficient": 1e-05,
    "device": {"__type__": "torch.device", "value": "cuda"},
    "dtype": {"__type__": "torch.dtype", "value": "torch.float32"},
}


def pickled_config(values: dict[str, Any]) -> Any:
    """An object of the class that ViT-Prisma pickles into its weights, pickled as from an installed ViT-Prisma."""
    for name in ("vit_prisma", "vit_prisma.sae", "vit_prisma.sae.config"):
        sys.modules.setdefault(name, types.ModuleType(name))
    kind = type("VisionModelSAERunnerConfig", (), {"__module__": "vit_prisma.sae.config"})
    sys.modules["vit_prisma.sae.config"].VisionModelSAERunnerConfig = kind  # type: ignore[attr-defined]
    config = kind()
    config.__dict__.update(values)
    return config


def prisma(folder: Path, seed: int, *, gated: bool = False, k: int = 0, norm: str | None = None, pickled: str = "") -> Published:
    """ViT-Prisma; ``pickled``: name of a file that holds the config too, "old.pt" as torch before 1.6 wrote files."""
    w = weights(seed)
    state = {"W_enc": w["enc"], "b_enc": w["be"], "W_dec": w["dec"], "b_dec": w["bd"]}
    config = {**PRISMA_CONFIG, "architecture": "gated" if gated else "standard", "normalize_activations": norm}
    if gated:
        state |= {"b_gate": w["be"] + 0.1, "r_mag": w["r"], "b_mag": w["extra"]}
    if k:
        config |= {"activation_fn_str": "topk", "activation_fn_kwargs": {"k": k}}
    if pickled:
        live = {**config, "device": torch.device("cuda"), "dtype": torch.float32}
        content = {"cfg": pickled_config(live), "state_dict": torch.nn.ParameterDict(state).state_dict()}
        if pickled.endswith(".pt"):
            torch.save(content, folder / pickled, _use_new_zipfile_serialization=pickled != "old.pt")
        else:
            with gzip.open(folder / pickled, "wb") if pickled.endswith(".gz") else open(folder / pickled, "wb") as f:
                pickle.dump(content, f, protocol=2 if pickled.endswith(".gz") else None)
        for name in ("vit_prisma.sae.config", "vit_prisma.sae", "vit_prisma"):
            del sys.modules[name]
    else:
        write_json(folder / "config.json", config)
        torch.save(state, folder / "n_images_2600058.pt")

    def encode(h: Row) -> Row:
        x = NORMS[norm or "none"](h)[0] - wide(w["bd"])
        if gated:
            return (x @ wide(w["enc"]) + wide(w["be"] + 0.1) > 0) * relu(x @ (wide(w["enc"]) * np.exp(wide(w["r"]))) + wide(w["extra"]))
        a = relu(x @ wide(w["enc"]) + wide(w["be"]))
        return keep_largest(a, k) if k else a

    def decode(z: Row, h: Row) -> Row:
        _, shift, scale = NORMS[norm or "none"](h)
        return (z @ wide(w["dec"]) + wide(w["bd"])) * scale + shift

    return Published(folder, encode, decode)


def overcomplete(folder: Path, seed: int, *, kind: str = "batchtopk", batch_norm: bool = False) -> Published:
    w = weights(seed)
    state = {"encoder.final_block.0.weight": w["enc"].T.contiguous(), "encoder.final_block.0.bias": w["be"]}
    state |= {"dictionary._weights": w["dec"], "dictionary.multiplier": torch.tensor(0.3)}
    choices: dict[str, dict[str, Any]] = {"topk": {"top_k": 4}, "batchtopk": {"threshold": 0.25}, "sae": {"threshold": 0.0}, "jump": {}}
    options = choices[kind]
    if kind == "jump":
        state["thresholds"] = w["r"] - 1
    if batch_norm:
        norm = {"running_mean": w["extra"], "running_var": w["r"].abs() + 0.5, "weight": 1 + w["r"], "bias": w["extra"] / 2}
        state |= {f"encoder.final_block.1.{name}": t for name, t in norm.items()}
    torch.save(state, folder / "overcomplete.pth")

    def encode(h: Row) -> Row:
        a = h @ wide(w["enc"]) + wide(w["be"])
        if batch_norm:
            n = {name: wide(t) for name, t in norm.items()}
            a = (a - n["running_mean"]) / np.sqrt(n["running_var"] + 1e-5) * n["weight"] + n["bias"]
        a = relu(a)
        if kind == "topk":
            return keep_largest(a, 4)
        limit = np.exp(wide(state["thresholds"])) if kind == "jump" else options["threshold"]
        return np.where(a >= limit, a, 0.0)

    return Published(folder, encode, lambda z, h: z @ wide(w["dec"]) * np.exp(float(np.float32(0.3))), options)


def own(folder: Path, seed: int) -> Published:
    """Our own format, written by hand from its description."""
    w, groups = weights(seed), (2, 4, 8)
    tensors = {"w_enc": w["enc"], "b_enc": w["be"], "w_dec": w["dec"], "b_dec": w["bd"], "threshold": w["r"].abs()}
    save_file(tensors | {"monosemanticity": w["extra"]}, folder / "sae.safetensors")
    config = {"format": "latentdiff-sae-2", "width": D, "concepts": K, "groups": list(groups), "top_k": 5, "normalise": "layer_norm"}
    write_json(folder / "config.json", {**config, "info": {"encoder": {"model": "m", "layer": "post_projection"}}})

    def encode(h: Row) -> Row:
        a = relu((NORMS["layer_norm"](h)[0] - wide(w["bd"])) @ wide(w["enc"]) + wide(w["be"]))
        return keep_largest(a, 5) * (a > wide(w["r"].abs()))

    def decode(z: Row, h: Row) -> Row:
        _, shift, scale = NORMS["layer_norm"](h)
        return (z @ wide(w["dec"]) + wide(w["bd"])) * scale + shift

    return Published(folder, encode, decode, groups=groups)


Writer = Callable[[Path, int], Published]


def variant(writer: Callable[..., Published], **choices: Any) -> Writer:
    return lambda folder, seed: writer(folder, seed, **choices)


WRITERS: dict[str, tuple[str, Writer]] = {
    "pach": ("dictionary_learning BatchTopK", pach),
    "pach step": ("dictionary_learning BatchTopK", variant(pach, step=True)),
    "pach matryoshka, misspelt": ("dictionary_learning Matryoshka BatchTopK", matryoshka),
    "pach matryoshka": ("dictionary_learning Matryoshka BatchTopK", variant(matryoshka, spelling="MatryoshkaBatchTopKSAE")),
    "dictionary_learning topk": ("dictionary_learning TopK", topk),
    "dictionary_learning topk, newer": ("dictionary_learning TopK", variant(topk, unused_threshold=True)),
    "dictionary_learning relu": ("dictionary_learning ReLU", relu_dictionary),
    "dictionary_learning relu, newer": ("dictionary_learning ReLU", variant(relu_dictionary, newer=True)),
    "dictionary_learning gated": ("dictionary_learning gated", gated_dictionary),
    "dictionary_learning jumprelu": ("dictionary_learning jump-ReLU", jump_dictionary),
    "msae": ("MSAE", msae),
    "msae numpy": ("MSAE", variant(msae, mean="numpy")),
    "msae not centred": ("MSAE", variant(msae, mean="zero", activation="TopKReLU_3_UW")),
    "msae tied relu": ("MSAE", variant(msae, tied=True, activation="ReLU_003")),
    "msae jumprelu": ("MSAE", variant(msae, activation="JumpReLU")),
    "saelens": ("SAELens standard", saelens),
    "saelens b_dec not subtracted": ("SAELens standard", variant(saelens, subtract=False)),
    "saelens layer_norm": ("SAELens standard", variant(saelens, norm="layer_norm")),
    "saelens constant norm": ("SAELens jumprelu", variant(saelens, norm="constant_norm_rescale", architecture="jumprelu", subtract=False)),
    "saelens jumprelu": ("SAELens jumprelu", variant(saelens, architecture="jumprelu")),
    "saelens older jumprelu": ("SAELens jumprelu", variant(saelens, architecture="jumprelu", log_threshold=True)),
    "saelens topk": ("SAELens topk", variant(saelens, architecture="topk")),
    "saelens topk rescaled": ("SAELens topk", variant(saelens, architecture="topk", rescale=True)),
    "saelens older topk": ("SAELens standard", variant(saelens, old_topk=True)),
    "saelens gated": ("SAELens gated", variant(saelens, architecture="gated")),
    "saelens gated, layer_norm, b_dec not subtracted": (
        "SAELens gated",
        variant(saelens, architecture="gated", norm="layer_norm", subtract=False),
    ),
    "saelens finetuned": ("SAELens standard", variant(saelens, finetuned="finetuning_scaling_factor")),
    "saelens older finetuned": ("SAELens standard", variant(saelens, finetuned="scaling_factor", norm=False)),
    "saelens bfloat16": ("SAELens standard", variant(saelens, half=True)),
    "prisma": ("ViT-Prisma standard", prisma),
    "prisma pickled config": ("ViT-Prisma standard", variant(prisma, pickled="weights.pt")),
    "prisma pkl.gz": ("ViT-Prisma standard", variant(prisma, pickled="weights.pkl.gz", norm="layer_norm")),
    "prisma pkl": ("ViT-Prisma gated", variant(prisma, pickled="weights.pkl", gated=True)),
    "prisma, older torch": ("ViT-Prisma standard", variant(prisma, pickled="old.pt", k=3)),
    "prisma topk": ("ViT-Prisma standard", variant(prisma, k=4)),
    "prisma layer_norm": ("ViT-Prisma standard", variant(prisma, norm="layer_norm", pickled="weights.pt")),
    "prisma gated": ("ViT-Prisma gated", variant(prisma, gated=True)),
    "prisma gated layer_norm": ("ViT-Prisma gated", variant(prisma, gated=True, norm="layer_norm")),
    "overcomplete topk": ("overcomplete TopKSAE", variant(overcomplete, kind="topk")),
    "overcomplete batchtopk": ("overcomplete BatchTopKSAE or SAE", overcomplete),
    "overcomplete plain, batch norm": ("overcomplete BatchTopKSAE or SAE", variant(overcomplete, kind="sae", batch_norm=True)),
    "overcomplete jump": ("overcomplete JumpSAE", variant(overcomplete, kind="jump")),
    "own": ("latentdiff-sae-2", own),
}
"""Name -> (the format that is to be recognised, its writer)."""
