"""Which of open_clip's pretrained tags a local file of weights is: the tag says how images were prepared and which activation was used."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

PREPARATION = ("mean", "std", "interpolation", "resize_mode", "size", "fill_color")
"""Entries of a tag, and of ``preprocess_cfg``, that say how images are prepared."""


@dataclass(frozen=True)
class Origin:
    """What is known of a file of weights."""

    tag: str | None
    """The pretrained tag that it is, None where no one can be told."""
    quick_gelu: bool | None
    """The activation that it was trained with; None: the architecture's own."""
    preprocess: dict[str, Any]
    """open_clip's ``preprocess_cfg``, as far as it is known; empty: the architecture's own."""
    assumed: str
    """What had to be assumed, in words; "" where nothing was."""


def of_tag(name: str, tag: str, config: dict[str, Any]) -> Origin:
    """What a pretrained tag says of itself."""
    return Origin(tag, bool(config.get("quick_gelu")), picked(config), "")


def picked(config: dict[str, Any]) -> dict[str, Any]:
    """The entries of a tag or a ``preprocess_cfg`` that say how images are prepared."""
    return {k: config[k] for k in PREPARATION if config.get(k) is not None}


def of_weights(checkpoint: Path) -> tuple[str, str] | None:
    """The architecture and tag of a file of weights that the digest or the hub folder tells; None where they tell none.

    Of architectures that share a file, the one without a suffix for its activation is meant: the tag says that.
    """
    import open_clip

    by_name: dict[str, dict[str, Any]] = {}
    for name, tag in open_clip.list_pretrained():
        by_name.setdefault(name, {})[tag] = open_clip.get_pretrained_cfg(name, tag)
    digests = {(n, t): known for n, tags in by_name.items() for t, config in tags.items() if (known := _expected_digest(config))}
    digest = _sha256(checkpoint)
    found = [place for place, expected in digests.items() if digest.startswith(expected)]
    found = found or [(name, tag) for name, tags in by_name.items() for tag in _by_folder(tags, checkpoint)]
    meant = {(name.removesuffix("-quickgelu"), tag): (name, tag) for name, tag in sorted(found, reverse=True)}
    return next(iter(meant.values())) if len(meant) == 1 else None


def completed(config: dict[str, Any], checkpoint: Path) -> tuple[dict[str, Any], str | None]:
    """A config with what it leaves open of the activation and of how images are prepared, from the tag that its weights are.

    Args:
        config: ``{"model_cfg", "preprocess_cfg"}``.
        checkpoint: the weights.

    Returns:
        The config, and the tag; as given and None where nothing is open or no tag can be told.
    """
    import open_clip

    preparation = config.get("preprocess_cfg")
    said = picked(preparation if isinstance(preparation, dict) else {})
    open_points = {*PREPARATION[:4]} - set(said)
    told = of_weights(checkpoint) if open_points or "quick_gelu" not in config["model_cfg"] else None
    if told is None:
        return config, None
    tag = open_clip.get_pretrained_cfg(*told)
    model = {"quick_gelu": bool(tag.get("quick_gelu")), **config["model_cfg"]}
    return {**config, "model_cfg": model, "preprocess_cfg": {**picked(tag), **said}}, told[1]


def of_file(name: str, checkpoint: Path) -> Origin:
    """What a file of weights for a built-in architecture is.

    In this order: the hub folder that it lies in, its digest where a tag's address holds one, the file name that a tag is fetched as, the
    config beside it, a tag in its name (which is a guess and said), and what all tags of the architecture agree on.

    Args:
        name: open_clip architecture.
        checkpoint: an existing file.

    Returns:
        :class:`Origin`; ``assumed`` is to be passed on to the user.
    """
    import open_clip

    tags = {tag: open_clip.get_pretrained_cfg(name, tag) for tag in open_clip.list_pretrained_tags_by_model(name)}
    named = _by_folder(tags, checkpoint) or _by_file(tags, checkpoint)
    if len(named) == 1:
        return of_tag(name, named[0], tags[named[0]])
    beside = _config_beside(checkpoint)
    if beside is not None:
        model, preparation = beside
        return Origin(None, bool(model.get("quick_gelu", False)), picked(preparation), "")
    told = [tag for tag in tags if not named and tag in checkpoint.stem.lower().replace("-", "_")]
    if len(told) == 1:
        origin = of_tag(name, told[0], tags[told[0]])
        return replace(origin, assumed=f"{checkpoint.name} is taken for the weights {told[0]!r} of {name} by its name")
    return _agreed(name, checkpoint, {tag: tags[tag] for tag in named} or tags)


def _agreed(name: str, checkpoint: Path, tags: dict[str, Any]) -> Origin:
    """What all tags that it may be say, and in words what they do not agree on; of no tags, what the architecture says."""
    if not tags:
        return Origin(None, None, {}, "")
    activations = {bool(config.get("quick_gelu")) for config in tags.values()}
    preparations = {json.dumps(picked(config), sort_keys=True) for config in tags.values()}
    if len(activations) == 1 and len(preparations) == 1:
        config = next(iter(tags.values()))
        return Origin(next(iter(tags)) if len(tags) == 1 else None, activations.pop(), picked(config), "")
    open_points = [words for words, found in (("activation", activations), ("preparation of images", preparations)) if len(found) != 1]
    what = " and the ".join(open_points) or "activation and the preparation of images"
    return Origin(
        None,
        activations.pop() if len(activations) == 1 else None,
        json.loads(preparations.pop()) if len(preparations) == 1 else {},
        f"{checkpoint.name} is none of the files known for {name}, whose weights ({', '.join(list(tags)[:6])}) do not agree on the {what}: "
        "the architecture's own is assumed. Say which it is (pretrained='TAG=FILE'), or put its open_clip_config.json beside it",
    )


def _by_folder(tags: dict[str, Any], checkpoint: Path) -> list[str]:
    """Tags whose hub folder the file lies in: in the hub's cache, or copied under its own name."""
    place = checkpoint.absolute()
    cached = re.search(r"models--([^/\\]+)--([^/\\]+)", str(place))
    repository = f"{cached[1]}/{cached[2]}" if cached else ""
    exact = [tag for tag, config in tags.items() if repository and _repository(config) == repository]
    return exact or [tag for tag, config in tags.items() if _repository(config).rpartition("/")[2] in {place.parent.name} - {""}]


def _by_file(tags: dict[str, Any], checkpoint: Path) -> list[str]:
    """Tags whose address expects this file's digest, else those without a digest that are fetched under its name."""
    digests = {tag: expected for tag, config in tags.items() if (expected := _expected_digest(config))}
    digest = _sha256(checkpoint) if digests else ""
    exact = [tag for tag, expected in digests.items() if digest.startswith(expected)]
    return exact or [tag for tag, config in tags.items() if tag not in digests and _address(config).rpartition("/")[2] == checkpoint.name]


def _address(config: dict[str, Any]) -> str:
    return str(config.get("url") or "")


def _repository(config: dict[str, Any]) -> str:
    return str(config.get("hf_hub") or "").rpartition("/")[0]


def _expected_digest(config: dict[str, Any]) -> str:
    """The start of the SHA-256 that open_clip expects of a tag's file, which two of its addresses hold; "" where none does."""
    address = _address(config)
    if "openaipublic" in address:
        found = address.split("/")[-2]
    else:
        found = Path(address).stem.rpartition("-")[2] if "mlfoundations" in address else ""
    return found if re.fullmatch(r"[0-9a-f]{8,64}", found) else ""


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as f:
        while block := f.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _config_beside(checkpoint: Path) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """``model_cfg`` and ``preprocess_cfg`` of the open_clip_config.json in the file's folder."""
    path = checkpoint.parent / "open_clip_config.json"
    if not path.is_file():
        return None
    try:
        config = json.loads(path.read_text(encoding="utf8"))
    except (OSError, ValueError):
        return None
    model, preparation = (config.get(k) if isinstance(config, dict) else None for k in ("model_cfg", "preprocess_cfg"))
    return (model, preparation) if isinstance(model, dict) and isinstance(preparation, dict) else None
