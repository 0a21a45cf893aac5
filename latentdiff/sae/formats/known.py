"""Which files of a folder are the SAE, and which format its tensors are in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from ...errors import CheckpointError
from .checkpoint import Checkpoint
from .dictionaries import dictionary_learning, jump_relu, matryoshka, overcomplete
from .lenses import prisma, saelens
from .msae import msae

Reader = Callable[[Checkpoint], dict[str, Any]]
"""Fields of a ``SparseAutoencoder``, and ``format``: its name in words."""

WEIGHTS = (".safetensors", ".pt", ".pth")
PREFERRED = ("sae.safetensors", "sae_weights.safetensors", "ae.pt", "weights.pt")
"""Names that formats give to the finished weights; other weights beside them are intermediate steps or statistics."""
CONFIGS = ("config.json", "cfg.json")
KNOWN = (
    "dictionary_learning (BatchTopK, TopK, Matryoshka, ReLU, gated, jump-ReLU), MSAE, SAELens, ViT-Prisma, overcomplete, "
    "and latentdiff's own"
)


def find_weights(path: Path) -> Path:
    """The one file of weights that is meant.

    Args:
        path: that file, or the folder it lies in.

    Raises:
        CheckpointError: there is none, or several and no reason to prefer one.
    """
    if not path.is_dir():
        return path
    found = sorted(p for p in path.iterdir() if p.suffix in WEIGHTS and p.is_file())
    preferred = [p for p in found if p.name in PREFERRED]
    if len(preferred) == 1 or len(found) == 1:
        return (preferred or found)[0]
    below = sorted(str(p.relative_to(path)) for p in path.glob("*/*") if p.suffix in WEIGHTS)
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


def reader_of(path: Path, content: dict[str, Any], config: dict[str, Any]) -> tuple[Reader, dict[str, Any], dict[str, Any]]:
    """The reader, the state dict and the config of what a file holds.

    Raises:
        CheckpointError: it is no format that is known, with what it holds.
    """
    if isinstance(content.get("cfg"), dict) and isinstance(content.get("state_dict"), dict):
        return prisma, content["state_dict"], {**content["cfg"], **config}
    if isinstance(content.get("model"), dict) and "pre_bias" in content["model"]:
        return msae, content, {}
    for wrapper in ("state_dict", "model_state_dict"):
        if isinstance(content.get(wrapper), dict):
            content = content[wrapper]
    names = {str(name) for name in content}
    if "encoder.final_block.0.weight" in names:
        return overcomplete, content, config
    if {"encoder.weight", "decoder.weight"} <= names:
        return dictionary_learning, content, config
    if {"W_enc", "group_sizes"} <= names:
        return matryoshka, content, config
    if {"W_enc", "W_dec"} <= names:
        return _lens(path, config), content, config
    raise CheckpointError(f"{path} is of no format that is read ({KNOWN}); it holds {', '.join(sorted(names)[:12])}")


def _lens(path: Path, config: dict[str, Any]) -> Reader:
    if not config:
        raise CheckpointError(f"{path}: its config (cfg.json of SAELens, config.json of ViT-Prisma) is missing beside it; fetch it too")
    if isinstance(config.get("trainer"), dict):
        return jump_relu
    return prisma if "hook_point_layer" in config or "layer_subtype" in config else saelens
