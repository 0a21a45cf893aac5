"""Dual encoders of open_clip: built-in names with a tag, or a config file with a checkpoint."""

from __future__ import annotations

import contextlib
import json
import logging
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..compute.extras import needs
from ..errors import CheckpointError, EncoderError, InputError
from .fetching import fetched, hub, of_config, unreachable
from .open_clip_config import check_sizes, read_config, unsaid
from .open_clip_text import short_text, visible_length
from .preprocess import Preprocess
from .pretrained import Origin, completed, of_file, of_tag, of_weights

TOKENIZER = ("tokenizer", "vocab", "merges", "special_tokens")
"""What the files of a tokenizer begin with."""
WEIGHTS = ("model.safetensors", "open_clip_model.safetensors", "open_clip_pytorch_model.bin", "pytorch_model.bin", "model.pt")


class OpenClipBackend:
    """An open_clip model in evaluation mode, with what an encoder needs to know of it."""

    library = "open_clip"
    words: tuple[str, ...] | None = None

    def __init__(self, model: Any, tokenizer: Any, name: str, origin: Origin | None = None) -> None:
        self.model = model.eval().requires_grad_(False)
        self.name = name
        self.pretrained = origin.tag if origin else None
        self.assumed = origin.assumed if origin else ""
        self.activation = _activation(model)
        self._tokenizer = tokenizer
        self.preprocess = _preprocess(model.visual.preprocess_cfg)

    def images(self, pixels: Any) -> Any:
        """(b, 3, height, width) -> (b, d), raw."""
        return self.model.encode_image(pixels)

    def tokens(self, texts: list[str]) -> Any:
        """Token ids, padded to the model's context."""
        return self._tokenizer(texts)

    def texts(self, tokens: Any) -> Any:
        """Token ids -> (m, d), raw. Padding after the last end token is cut off where it cannot be seen (causal attention)."""
        length = visible_length(self.model, tokens)
        return self.model.encode_text(tokens) if length is None else short_text(self.model, tokens[:, :length])


def from_hub(repository: str) -> OpenClipBackend:
    """Model from a repository of the model hub that open_clip wrote, downloaded once.

    Raises:
        EncoderError: it cannot be fetched, or holds no open_clip model.
    """
    with needs("encoders", "an encoder"):
        from huggingface_hub import hf_hub_download, snapshot_download
        from huggingface_hub.errors import EntryNotFoundError, LocalEntryNotFoundError

    why = unreachable(f"{hub()}/{repository}")
    own: dict[str, Any] = {"local_files_only": bool(why)}

    def weights() -> Path:
        for name in WEIGHTS:
            with contextlib.suppress(EntryNotFoundError, LocalEntryNotFoundError):
                return Path(hf_hub_download(repository, name, **own))
        raise EncoderError(f"{repository} has no weights that are read here ({', '.join(WEIGHTS)})")

    try:
        patterns = ["open_clip_config.json", *(f"{start}*" for start in TOKENIZER)]
        folder = Path(snapshot_download(repository, allow_patterns=patterns, **own))
        if not (folder / "open_clip_config.json").is_file():
            raise EncoderError(f"{repository} has no open_clip_config.json; for a model of transformers leave hf-hub: out")
        checkpoint = weights()
    except EncoderError:
        raise
    except Exception as e:
        raise EncoderError(
            f"{repository} could not be fetched from the model hub: {why or f'{type(e).__name__}: {str(e)[:200]}'}. Fetch the repository "
            "elsewhere and give its folder's path"
        ) from e
    return from_files(folder / "open_clip_config.json", checkpoint, repository)


def from_files(config: Path, checkpoint: Path, name: str = "") -> OpenClipBackend:
    """Model from local files; the network is not touched.

    Args:
        config: open_clip's json, either ``{"model_cfg": ..., "preprocess_cfg": ...}`` or the bare ``model_cfg``.
        checkpoint: ``.safetensors``, or a ``.pt``/``.bin`` that ``torch.load(weights_only=True)`` accepts.
        name: what the model is called; "": as its config says, or its folder.
    """
    with needs("encoders", "an encoder"):
        import open_clip

    loaded = read_config(config)
    check_sizes(loaded["model_cfg"], checkpoint)
    loaded, tag = completed(loaded, checkpoint)
    with tempfile.TemporaryDirectory() as folder:  # open_clip's own reader of local models wants one folder, this file name
        (Path(folder) / "open_clip_config.json").write_text(json.dumps(loaded), encoding="utf8")
        tokenizer_files = [f for f in config.parent.iterdir() if f.name.startswith(TOKENIZER)]
        for file in tokenizer_files:
            (Path(folder) / file.name).symlink_to(file.resolve())
        try:
            with _quiet():
                model = open_clip.create_model(f"local-dir:{folder}", load_weights=False, pretrained_text=False)
            tokenizer = open_clip.get_tokenizer(f"local-dir:{folder}")
        except Exception as e:
            raise CheckpointError(f"{config} does not describe an open_clip model: {type(e).__name__}: {e}") from e
    _load(model, checkpoint)
    origin = Origin(tag, None, {}, unsaid(loaded, config))
    try:
        return OpenClipBackend(model, tokenizer, name or str(loaded["model_cfg"].get("name") or config.parent.name), origin)
    except (TypeError, ValueError, KeyError, InputError) as e:
        raise CheckpointError(f"{config} describes no way to prepare images that can be used: {type(e).__name__}: {e}") from e


def from_name(name: str, pretrained: str) -> OpenClipBackend:
    """Built-in architecture with weights.

    Args:
        name: open_clip architecture.
        pretrained: a tag (downloaded once by open_clip), a local file of weights or the folder it lies in, or ``"TAG=FILE"``: the file of
            that tag.
    """
    import open_clip

    pretrained = str(find_weights(Path(pretrained))) if Path(pretrained).is_dir() else pretrained
    tag, _, file = ("", "", pretrained) if Path(pretrained).is_file() else pretrained.partition("=")
    config = open_clip.get_pretrained_cfg(name, tag) if tag else None
    if tag and not config:
        raise EncoderError(
            f"{pretrained!r} is neither a file nor a pretrained tag of {name}; "
            f"its tags are {', '.join(open_clip.list_pretrained_tags_by_model(name)) or '(none: give a checkpoint file)'}"
        )
    checkpoint = Path(file) if file else fetched(of_config(name, tag, config or {}, _megabytes(name)))
    if not checkpoint.is_file():
        raise CheckpointError(f"{checkpoint}: no such checkpoint file")
    origin = of_tag(name, tag, config) if config else of_file(name, checkpoint)
    if origin.assumed:
        warnings.warn(origin.assumed, stacklevel=5)
    # Tags of one architecture were trained with either activation; create_model only warns when they disagree.
    overrides: dict[str, Any] = {} if origin.quick_gelu is None else {"force_quick_gelu": origin.quick_gelu}
    if origin.preprocess:
        overrides["force_preprocess_cfg"] = origin.preprocess
    with _quiet():
        model = open_clip.create_model(name, load_weights=False, pretrained_text=False, **overrides)
    _load(model, checkpoint)
    return OpenClipBackend(model, open_clip.get_tokenizer(name), name, origin)


def _activation(model: Any) -> str | None:
    """Of the image tower's blocks: "quick_gelu", "gelu", or another class's name; None where they are not open_clip's own."""
    blocks = getattr(getattr(model.visual, "transformer", None), "resblocks", None)
    block = getattr(blocks[0], "mlp", None) if blocks else None
    kind = type(getattr(block, "gelu", None)).__name__
    return {"QuickGELU": "quick_gelu", "GELU": "gelu", "NoneType": None}.get(kind, kind)


def from_folder(folder: Path) -> OpenClipBackend:
    """Model from a folder of weights alone, whose digest or hub folder says what they are.

    Raises:
        EncoderError: nothing says it.
    """
    if not any(p.suffix in (".safetensors", ".bin", ".pt") for p in folder.iterdir()):
        raise EncoderError(f"{folder} has neither open_clip_config.json nor config.json, and no weights: not a model folder")
    checkpoint = find_weights(folder)
    with needs("encoders", "an encoder"):
        told = of_weights(checkpoint)
    if told is None:
        raise EncoderError(
            f"{folder} has neither open_clip_config.json nor config.json, and {checkpoint.name} is none of the files known to open_clip; "
            f"say whose weights they are: load_encoder('ViT-B-32', {str(folder)!r})"
        )
    return from_name(told[0], f"{told[1]}={checkpoint}")


def find_weights(folder: Path) -> Path:
    """The one checkpoint in a folder."""
    for name in WEIGHTS:
        if (folder / name).is_file():
            return folder / name
    found = sorted([*folder.glob("*.safetensors"), *folder.glob("*.pt"), *folder.glob("*.bin")])
    if len(found) == 1:
        return found[0]
    raise CheckpointError(f"{folder} holds {len(found)} checkpoints; give the path of one as `pretrained`")


def _load(model: Any, checkpoint: Path) -> None:
    import open_clip

    if not checkpoint.is_file():
        raise CheckpointError(f"{checkpoint}: no such checkpoint file")
    try:
        open_clip.load_checkpoint(model, str(checkpoint), strict=True, weights_only=True, device="cpu")
    except Exception as e:
        raise CheckpointError(f"{checkpoint} does not fit the model: {type(e).__name__}: {str(e)[:500]}") from e


def _megabytes(name: str) -> int | None:
    """Size of an architecture's weights in float32; None where it cannot be built without them."""
    import open_clip
    import torch

    try:
        with _quiet(), torch.device("meta"):
            model = open_clip.create_model(name, load_weights=False, pretrained_text=False, device="meta")
    except Exception:  # towers of other libraries, in any way
        return None
    return round(4 * sum(p.numel() for p in model.parameters()) / 1e6)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """open_clip warns that a model built without weights is random; its weights are loaded in the next step."""

    def keep(record: logging.LogRecord) -> bool:
        return record.levelno > logging.WARNING or "open_clip" not in record.pathname

    root = logging.getLogger()
    root.addFilter(keep)
    try:
        yield
    finally:
        root.removeFilter(keep)


def _preprocess(config: dict[str, Any]) -> Preprocess:
    size = config["size"]
    height, width = (size, size) if isinstance(size, int) else tuple(size)
    return Preprocess(
        height,
        width,
        tuple(config["mean"]),
        tuple(config["std"]),
        interpolation=config.get("interpolation") or "bicubic",
        resize_mode=config.get("resize_mode") or "shortest",
        fill=config.get("fill_color") or 0,
        alpha="drop",
    )
