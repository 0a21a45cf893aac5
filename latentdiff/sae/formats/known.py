"""Which files of a folder are the SAE, and which format its tensors are in: positive evidence, or a refusal that says what is there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ...errors import CheckpointError, InputError
from .bussmann import bussmann
from .checkpoint import Checkpoint
from .dictionaries import dictionary_learning, jump_relu, matryoshka
from .lenses import prisma, saelens
from .msae import msae
from .overcomplete import LINEAR, overcomplete
from .saev import saev
from .sparsify import sparsify
from .visaebench import activation_of, visaebench

Reader = Callable[[Checkpoint], dict[str, Any]]
"""Fields of a ``SparseAutoencoder``, and ``format``: its name in words."""

WEIGHTS = (".safetensors", ".pt", ".pth")
PREFERRED = ("sae.safetensors", "sae_weights.safetensors", "ae.pt", "sae.pt", "weights.pt")
"""Names that formats give to the finished weights; other weights beside them are intermediate steps or statistics."""
STATISTICS = ("sparsity.safetensors", "_log_feature_sparsity.pt", "trainer_state.pt", "activations_store_state.safetensors")
"""Endings of files beside the weights that hold none."""
PICKLES = (".pkl.gz", ".pkl")
"""Endings of weights that are taken where a folder holds no others."""
CONFIGS = ("config.json", "cfg.json", "config.yaml", "config.yml")


@dataclass(frozen=True)
class Found:
    """What a file and the config beside it hold."""

    tensors: dict[str, Any]
    config: dict[str, Any]
    wrapped: str = ""
    """How the state dict lay in the file: "cfg" (beside a pickled config), "header" (after a line of JSON), "model" (of MSAE), or ""."""

    def has(self, *names: str) -> bool:
        """Whether tensors of all these names are there."""
        return all(name in self.tensors for name in names)

    def shape(self, name: str) -> tuple[int, ...]:
        """Of a tensor, () where it is none."""
        return tuple(getattr(self.tensors.get(name), "shape", ()))


@dataclass(frozen=True)
class Format:
    """One published format. A file is read by the first whose evidence is there; what its reader leaves over is refused."""

    title: str
    """Its name in messages."""
    evidence: Callable[[Found], bool]
    """Whether a file is of this format; likeness is no evidence, since look-alikes have other equations."""
    read: Reader
    idle: tuple[str, ...] = ()
    """Patterns of tensors that do not enter the equation."""
    idle_entries: tuple[str, ...] = field(default=())
    """Patterns of config entries that look as if they did, beside those of training."""


def _trainer(found: Found) -> bool:
    return isinstance(found.config.get("trainer"), dict) or "dict_class" in found.config


def _visaebench(found: Found) -> bool:
    if not activation_of(found.config) or _trainer(found):
        return False
    if found.has(f"{LINEAR}weight", "dictionary._weights"):
        return True
    encoder, decoder = found.shape("encoder.weight"), found.shape("decoder.weight")
    told_apart = len(set(encoder)) == 2 or ("input_dim" in found.config and "hidden_dim" in found.config)
    return encoder == decoder and told_apart and found.has("encoder.bias")


def _saelens(found: Found) -> bool:
    own = ("architecture", "apply_b_dec_to_input", "sae_lens_version", "sae_lens_training_version", "hook_point", "hook_name")
    return found.has("W_enc", "W_dec") and {"d_in", "d_sae"} <= set(found.config) and any(name in found.config for name in own)


FORMATS = [
    Format("saev", lambda f: f.wrapped == "header" and f.has("W_enc", "W_dec"), saev),
    Format("MSAE", lambda f: f.wrapped == "model", msae, ("model", "target_norm")),
    Format(
        "dictionary_learning Matryoshka", lambda f: f.has("W_enc", "W_dec", "group_sizes"), matryoshka, ("k",), ("group_*", "active_groups")
    ),
    Format("dictionary_learning jump-ReLU", lambda f: f.has("W_enc", "W_dec") and _trainer(f), jump_relu),
    Format("VisAEBench", _visaebench, visaebench, ("dictionary.multiplier",)),
    Format(
        "dictionary_learning",
        lambda f: f.has("encoder.weight", "decoder.weight") and not any(str(n).startswith("dictionary.") for n in f.tensors),
        dictionary_learning,
        ("k",),
    ),
    Format(
        "overcomplete",
        lambda f: f.has("dictionary._weights") or f.has("dictionary.W", "dictionary.C"),
        overcomplete,
        ("*.num_batches_tracked", "bandwidth"),
    ),
    Format(
        "the repositories of bartbussmann",
        lambda f: f.has("W_enc", "W_dec") and "sae_type" in f.config and bool({"act_size", "dict_size", "top_k"} & set(f.config)),
        bussmann,
        ("num_batches_not_active",),
        ("top_k_matryoshka", "active_groups", "activation"),
    ),
    Format(
        "ViT-Prisma",
        lambda f: f.has("W_enc", "W_dec") and ("layer_subtype" in f.config or (f.wrapped == "cfg" and "hook_point_layer" in f.config)),
        prisma,
        ("b_enc",),
        ("transcoder_with_skip_connection", "use_*activations", "min_*", "gated_*"),
    ),
    Format("sparsify", lambda f: f.has("encoder.weight", "W_dec", "b_dec") and "k" in f.config, sparsify),
    Format(
        "SAELens",
        _saelens,
        saelens,
        (),
        ("noise_scale", "jumprelu_*", "mse_*", "topk_*", "reshape_activations", "target_*", "log_*"),
    ),
]
"""In the order in which they are tried: the more particular evidence first."""



def register_format(form: Format) -> Format:
    """Read a further format with :func:`latentdiff.load_sae`; it is tried before those that are known already.

    Raises:
        InputError: there is one of that title.
    """
    if any(known.title == form.title for known in FORMATS):
        raise InputError(f"there is a format {form.title!r} already; give another title")
    FORMATS.insert(0, form)
    return form


def find_weights(path: Path) -> Path:
    """The one file of weights that is meant.

    Args:
        path: that file, or the folder it lies in.

    Raises:
        CheckpointError: there is none, or several and no reason to prefer one.
    """
    if not path.is_dir():
        return path
    found = sorted(p for p in path.iterdir() if p.suffix in WEIGHTS and p.is_file() and not p.name.endswith(STATISTICS))
    preferred = [p for p in found if p.name in PREFERRED]
    if len(preferred) == 1 or len(found) == 1:
        return (preferred or found)[0]
    below = sorted(str(p.relative_to(path)) for p in path.glob("*/*") if p.suffix in WEIGHTS)
    pickled = [p for p in path.iterdir() if p.name.endswith(PICKLES) and p.is_file()]
    if not found and len(pickled) == 1:
        return pickled[0]
    if not found:
        hint = f"; there are some below: {', '.join(below[:5])}" if below else ""
        raise CheckpointError(f"{path} holds no weights ({', '.join(WEIGHTS)}){hint}; was the download finished?")
    names = ", ".join(p.name for p in found[:8])
    raise CheckpointError(f"{path} holds {len(found)} files of weights ({names}); name the one that is meant")


def find_config(path: Path) -> Path | None:
    """The config beside the weights, or one folder up where the weights are a step in ``checkpoints/``."""
    folder = path if path.is_dir() else path.parent
    folders = [folder, folder.parent] if folder.name == "checkpoints" else [folder]
    return next((f / name for f in folders for name in CONFIGS if (f / name).is_file()), None)


def format_of(path: Path, content: dict[str, Any], config: dict[str, Any]) -> tuple[Format, Found]:
    """The format of what a file holds, and its state dict and config.

    Raises:
        CheckpointError: it is no format that is known, with what it holds.
    """
    found = _unwrapped(content, config)
    form = next((f for f in FORMATS if f.evidence(found)), None)
    if form is not None:
        return form, found
    names = ", ".join(sorted(map(str, found.tensors))[:12])
    if found.has("W_enc", "W_dec") and not found.config:
        raise CheckpointError(
            f"{path}: its config (cfg.json of SAELens, config.json of ViT-Prisma and others) is missing beside it; fetch it too: many SAEs "
            f"have these tensors ({names}), and it says which this is"
        )
    known = f"{', '.join(form.title for form in FORMATS)}, and latentdiff's own"
    beside = f", and the config beside it says {', '.join(sorted(map(str, found.config))[:12])}" if found.config else ""
    raise CheckpointError(f"{path} is of no format that is read ({known}); it holds {names}{beside}")


def _unwrapped(content: dict[str, Any], config: dict[str, Any]) -> Found:
    state = content.get("state_dict")
    for key in ("cfg", "header"):
        if isinstance(content.get(key), dict) and isinstance(state, dict):
            return Found(state, {**content[key], **config} if key == "cfg" else content[key], key)
    if isinstance(content.get("model"), dict) and "pre_bias" in content["model"]:
        return Found(content, {}, "model")
    for wrapper in ("state_dict", "model_state_dict"):
        if isinstance(content.get(wrapper), dict):
            content = content[wrapper]
    return Found(content, config)
