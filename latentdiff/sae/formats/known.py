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
from .lenses import IDLE_ENTRIES as LENS_ENTRIES
from .lenses import PRISMA_IDLE_ENTRIES, prisma, saelens
from .msae import msae
from .overcomplete import LINEAR, overcomplete
from .saev import IDLE_ENTRIES as SAEV_ENTRIES
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
    named: str = ""
    """The file of that config; "" where the weights hold it, or there is none."""
    beside: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Further configs by name, none of which may say something else."""

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
    """Patterns of config entries that its writers are known to write and that do not either; with dots between nested names."""


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
    Format("saev", lambda f: f.wrapped == "header" and f.has("W_enc", "W_dec"), saev, (), SAEV_ENTRIES),
    Format("MSAE", lambda f: f.wrapped == "model", msae, ("model", "target_norm")),
    Format(
        "dictionary_learning Matryoshka", lambda f: f.has("W_enc", "W_dec", "group_sizes"), matryoshka, ("k",), ("group_*", "active_groups")
    ),
    Format("dictionary_learning jump-ReLU", lambda f: f.has("W_enc", "W_dec") and _trainer(f), jump_relu, (), ("target_l0",)),
    Format("VisAEBench", _visaebench, visaebench, ("dictionary.multiplier",)),
    Format(
        "dictionary_learning",
        lambda f: f.has("encoder.weight", "decoder.weight") and not any(str(n).startswith("dictionary.") for n in f.tensors),
        dictionary_learning,
        ("k",),
        ("target_l0",),
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
        ("top_k_matryoshka", "active_groups"),
    ),
    Format(
        "ViT-Prisma",
        lambda f: f.has("W_enc", "W_dec") and ("layer_subtype" in f.config or (f.wrapped == "cfg" and "hook_point_layer" in f.config)),
        prisma,
        ("b_enc",),
        PRISMA_IDLE_ENTRIES,
    ),
    Format("sparsify", lambda f: f.has("encoder.weight", "W_dec", "b_dec") and "k" in f.config, sparsify, (), ("multi_topk",)),
    Format("SAELens", _saelens, saelens, (), LENS_ENTRIES),
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


def find_configs(path: Path) -> list[Path]:
    """The configs beside the weights, or one folder up where the weights are a step in ``checkpoints/``, the usual names first."""
    folder = path if path.is_dir() else path.parent
    folders = [folder, folder.parent] if folder.name == "checkpoints" else [folder]
    return [f / name for f in folders for name in CONFIGS if (f / name).is_file()]


def formats_of(path: Path, content: dict[str, Any], configs: dict[str, dict[str, Any]]) -> list[tuple[Format, Found]]:
    """What each of the configs beside a file makes of it: its format, its state dict and that config; at least one.

    Raises:
        CheckpointError: it is no format that is known, with what it holds and what each config says.
    """
    founds = [_unwrapped(content, name, configs) for name in configs or ("",)]
    if founds[0].wrapped in ("header", "model"):
        founds = founds[:1]  # which says it all by itself
    forms = [next((form for form in FORMATS if form.evidence(found)), None) for found in founds]
    if any(forms):
        return [(form, found) for form, found in zip(forms, founds, strict=True) if form is not None]
    names = ", ".join(sorted(map(str, founds[0].tensors))[:12])
    if founds[0].has("W_enc", "W_dec") and not any(found.config for found in founds):
        raise CheckpointError(
            f"{path}: its config (cfg.json of SAELens, config.json of ViT-Prisma and others) is missing beside it; fetch it too: many SAEs "
            f"have these tensors ({names}), and it says which this is"
        )
    known = f"{', '.join(form.title for form in FORMATS)}, and latentdiff's own"
    beside = "".join(
        f", and {f.named or 'the config inside'} says {', '.join(sorted(map(str, f.config))[:12])}" for f in founds if f.config
    )
    raise CheckpointError(f"{path} is of no format that is read ({known}); it holds {names}{beside}")


def _unwrapped(content: dict[str, Any], name: str, configs: dict[str, dict[str, Any]]) -> Found:
    """The state dict of a file and its config: the one of that name, or the one that the weights hold."""
    state, config = content.get("state_dict"), configs.get(name, {})
    others = {other: entries for other, entries in configs.items() if other != name}
    if isinstance(content.get("header"), dict) and isinstance(state, dict):
        return Found(state, content["header"], "header", "", configs)
    if isinstance(content.get("cfg"), dict) and isinstance(state, dict):
        return Found(state, {**content["cfg"], **config}, "cfg", name, {**others, "the config inside": content["cfg"]})
    if isinstance(content.get("model"), dict) and "pre_bias" in content["model"]:
        return Found(content, {}, "model", "", configs)
    for wrapper in ("state_dict", "model_state_dict"):
        if isinstance(content.get(wrapper), dict):
            content = content[wrapper]
    return Found(content, config, "", name, others)
