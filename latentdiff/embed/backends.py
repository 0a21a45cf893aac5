"""An encoder's name, folder or file → the model of a library that it is."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any

from ..compute.extras import needs
from ..errors import EncoderError
from .fetching import PRESETS

HUB, LOCAL = "hf-hub:", "local-dir:"
"""How open_clip writes a repository of the model hub, and a folder."""
WORDS = "words.txt"
"""In a folder of weights: the words that the encoder was trained on, one a line, where it knows no others."""
DEMO_FOLDER = Path(__file__).parent.parent / "demo" / "encoder"


def backend_of(name: str, pretrained: str | None) -> Any:
    """What an encoder is made of. Arguments and errors as :func:`~latentdiff.embed.encoder.load_encoder`."""
    from . import open_clip_backend

    if name == "demo" and not Path(name).exists():
        if not DEMO_FOLDER.is_dir():
            raise EncoderError(f"the demo encoder is missing from this installation ({DEMO_FOLDER}); install latentdiff again")
        name = str(DEMO_FOLDER)
    elif name in PRESETS and not Path(name).exists():
        name, pretrained = PRESETS[name][0], pretrained or PRESETS[name][1]
    if name.startswith(HUB) and not Path(name).exists():
        return open_clip_backend.from_hub(name.removeprefix(HUB))
    path = Path(name.removeprefix(LOCAL))
    if path.is_dir():
        backend = _of_folder(path, pretrained)
        if (path / WORDS).is_file():
            backend.words = tuple((path / WORDS).read_text(encoding="utf8").splitlines())
        return backend
    if path.suffix == ".json" and path.is_file():
        return open_clip_backend.from_files(path, Path(pretrained) if pretrained else open_clip_backend.find_weights(path.parent))
    if path.suffix == ".json" or name.startswith(LOCAL):
        raise EncoderError(f"{path}: no such config file or folder")
    return _by_name(name, pretrained)


def _of_folder(path: Path, pretrained: str | None) -> Any:
    from . import open_clip_backend, transformers_backend

    config = next((path / c for c in ("open_clip_config.json", "config.json") if (path / c).is_file()), None)
    if config is None:
        return open_clip_backend.from_folder(path)
    if config.name == "config.json" and b'"model_type"' in config.read_bytes():
        return transformers_backend.load(str(path))
    return open_clip_backend.from_files(config, Path(pretrained) if pretrained else open_clip_backend.find_weights(path))


def _by_name(name: str, pretrained: str | None) -> Any:
    from . import open_clip_backend, transformers_backend

    weights = _weights_of(name, pretrained)
    return transformers_backend.load(name) if weights is None else open_clip_backend.from_name(name, weights)


def check_name(name: str, pretrained: str | None) -> None:
    """Refuse a name that no encoder can have; its weights need not be here.

    Raises:
        EncoderError: for an unknown name, or an architecture without a tag.
    """
    known = name in (*PRESETS, "demo") or name.startswith(HUB) or Path(name.removeprefix(LOCAL)).exists()
    if not known:
        _weights_of(name, pretrained)


def _weights_of(name: str, pretrained: str | None) -> str | None:
    """The weights of an architecture of open_clip; None for a model of transformers' hub. Any other name is refused."""
    with needs("encoders", "an encoder"):
        import open_clip

    if name in open_clip.list_models():
        if pretrained is None:
            tags = ", ".join(open_clip.list_pretrained_tags_by_model(name)) or "(none)"
            raise EncoderError(f"which weights of {name}? Give a tag or a checkpoint file as `pretrained`; tags: {tags}")
        return pretrained
    if name.count("/") == 1 and not name.startswith((".", "/")):
        return None
    near = difflib.get_close_matches(name, [*PRESETS, "demo", *open_clip.list_models()], n=3, cutoff=0.5)
    hint = f"; near: {', '.join(near)}" if near else ""
    raise EncoderError(f"{name!r} is no preset (paper, fast, demo), open_clip architecture, model folder or hub id (org/model){hint}")
