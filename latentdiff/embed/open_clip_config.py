"""Configs of open_clip models in files: what they say, what they leave open, and whether their weights can fill them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..compute.files import read_json
from ..errors import CheckpointError
from .preprocess import LARGEST

MOST_LAYERS = 1000


def read_config(path: Path) -> dict[str, Any]:
    """``{"model_cfg", "preprocess_cfg"}`` from a json file in either of open_clip's two forms."""
    loaded = read_json(path)
    if isinstance(loaded, dict) and isinstance(loaded.get("model_cfg"), dict):
        return loaded
    if isinstance(loaded, dict) and {"embed_dim", "vision_cfg", "text_cfg"} <= set(loaded) and isinstance(loaded["vision_cfg"], dict):
        return {"model_cfg": loaded, "preprocess_cfg": {"size": loaded["vision_cfg"].get("image_size", 224)}}
    raise CheckpointError(f"{path} is not an open_clip config: it needs model_cfg, or embed_dim, vision_cfg and text_cfg")


def unsaid(config: dict[str, Any], path: Path) -> str:
    """What a config leaves open, which is then taken as OpenAI prepared images, and as the architecture says."""
    preparation = config.get("preprocess_cfg")
    said = preparation if isinstance(preparation, dict) else {}
    missing = [name for name in ("mean", "std", "interpolation", "resize_mode") if said.get(name) is None]
    if not missing:
        return ""  # a config of the hub, which leaves quick_gelu out where it is false
    activation = "" if "quick_gelu" in config["model_cfg"] else ", nor quick_gelu of model_cfg: GELU is assumed"
    return f"{path.name} does not say {', '.join(missing)} of preprocess_cfg: those of OpenAI's CLIP are assumed{activation}"


def check_sizes(model: dict[str, Any], checkpoint: Path) -> None:
    """Refuse an architecture that its checkpoint cannot fill, before memory is taken for it.

    Args:
        model: open_clip's ``model_cfg``.
        checkpoint: its weights; every parameter takes at least one byte.

    Raises:
        CheckpointError: no such file, or a tower whose widths, layers or words make more parameters than it has bytes.
    """
    if not checkpoint.is_file():
        raise CheckpointError(f"{checkpoint}: no such checkpoint file")
    size = checkpoint.stat().st_size
    embed = _whole(model.get("embed_dim"))
    for name in ("vision_cfg", "text_cfg"):
        tower = model.get(name)
        if not isinstance(tower, dict):
            continue
        width, layers = _whole(tower.get("width"), 1), tower.get("layers")
        deep = layers if isinstance(layers, list) else [layers]
        blocks = sum(_whole(n) for n in deep)
        patch = tower.get("patch_size")
        patches = (_whole(tower.get("image_size")) // max(1, _whole(patch))) ** 2 if patch else 0
        least = width * max(_whole(tower.get("vocab_size")), _whole(tower.get("context_length")), patches, embed, width, blocks)
        if blocks > MOST_LAYERS or least > size or _whole(tower.get("image_size")) > LARGEST:
            raise CheckpointError(f"{checkpoint} does not fit the model: {name} describes more than its {size:,} bytes; fetch both anew")


def _whole(value: Any, otherwise: int = 0) -> int:
    return value if type(value) is int and value > 0 else otherwise
