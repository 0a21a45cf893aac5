"""Dual encoders of transformers: CLIP, SigLIP and SigLIP 2, from a local folder or a hub id."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from ..compute.extras import needs
from ..errors import CheckpointError, EncoderError, InputError
from .fetching import hub, unreachable
from .naflex import Patches, model_inputs
from .preprocess import Preprocess
from .word_lists import canonical

FAMILIES = ("clip", "siglip", "siglip2")
"""``model_type`` values that are read."""
PROCESSORS = ("CLIP", "ChineseCLIP", "Siglip", "ViT", "DeiT", "Bit", "Blip", "Siglip2")
"""Image processors that resize, crop, scale and normalise, in this order, and do nothing else (class names without their endings)."""


class TransformersBackend:
    """A transformers CLIP, SigLIP or SigLIP 2 model in evaluation mode, with what an encoder needs to know of it."""

    library = "transformers"
    words: tuple[str, ...] | None = None

    def __init__(self, model: Any, tokenizer: Any, processor: Any, name: str) -> None:
        self.model = model.eval().requires_grad_(False)
        self.name = name
        self.pretrained, self.assumed = None, ""
        self.activation = getattr(getattr(model.config, "vision_config", None), "hidden_act", None)
        _check_kind(processor)
        if model.config.model_type == "siglip2":
            self.preprocess: Preprocess | Patches = _patches(processor)
        else:
            self.preprocess = _preprocess(processor)
            _check_size(self.preprocess, getattr(model.config, "vision_config", None))
        self._tokenizer = tokenizer
        self._siglip = model.config.model_type in ("siglip", "siglip2")

    def images(self, pixels: Any) -> Any:
        """(b, 3, height, width) -> (b, d), raw."""
        inputs = model_inputs(pixels) if isinstance(self.preprocess, Patches) else {"pixel_values": pixels}
        return _vectors(self.model.get_image_features(**inputs))

    def tokens(self, texts: list[str]) -> Any:
        """Token ids. SigLIP was trained on full-length padding and sees it; CLIP's causal tower does not."""
        length = self.model.config.text_config.max_position_embeddings
        padding = "max_length" if self._siglip else "longest"
        texts = [canonical(text) for text in texts] if self._siglip else texts  # some of its tokenizers do, others leave it to the caller
        return self._tokenizer(texts, padding=padding, truncation=True, max_length=length, return_tensors="pt")["input_ids"]

    def texts(self, tokens: Any) -> Any:
        """Token ids -> (m, d), raw."""
        return _vectors(self.model.get_text_features(input_ids=tokens))


def load(name: str) -> TransformersBackend:
    """Model, tokenizer and image processor.

    Args:
        name: local folder (the network is not touched) or hub id such as ``openai/clip-vit-large-patch14-336``.
    """
    with needs("encoders", "an encoder"):
        from transformers import AutoConfig, AutoImageProcessor, AutoModel, AutoTokenizer

    local = Path(name).is_dir()
    why = "" if local else unreachable(f"{hub()}/{name}")  # the library tries for a minute
    own: dict[str, Any] = {"local_files_only": local or bool(why), "trust_remote_code": False}  # unset, it may ask at a terminal
    try:
        config = AutoConfig.from_pretrained(name, **own)
        if config.model_type not in FAMILIES:
            raise EncoderError(f"{name} is a {config.model_type!r} model; LatentDiff reads {', '.join(FAMILIES)}")
        model = AutoModel.from_pretrained(name, dtype="float32", weights_only=True, **own)
        tokenizer = AutoTokenizer.from_pretrained(name, **own)
        processor = AutoImageProcessor.from_pretrained(name, **own)
    except EncoderError:
        raise
    except ImportError as e:  # a tokenizer's own package; the folder is not to blame
        raise EncoderError(
            f"{name} needs a package that is not installed: {str(e).strip()[:300]}. "
            "SigLIP's tokenizer takes two: pip install sentencepiece protobuf"
        ) from e
    except Exception as e:
        if local:
            raise CheckpointError(f"{name} does not hold a whole transformers model: {type(e).__name__}: {str(e)[:500]}") from e
        raise EncoderError(
            f"config, weights, tokenizer or image processor of {name} could not be fetched from the model hub: "
            f"{why or f'{type(e).__name__}: {str(e)[:300]}'}. Fetch the repository elsewhere and give its folder: "
            f"load_encoder('/path/to/folder'). A model of open_clip is named hf-hub:{name}"
        ) from e
    try:
        return TransformersBackend(model, tokenizer, processor, Path(name).name if local else name)
    except (TypeError, ValueError, KeyError, AttributeError, InputError) as e:
        raise CheckpointError(f"{name} describes no way to prepare images that can be used: {type(e).__name__}: {e}") from e


def _vectors(output: Any) -> Any:
    """Newer transformers return an output object whose pooled vector is the projected one; older ones the tensor."""
    return output if hasattr(output, "dim") else output.pooler_output


def _check_kind(processor: Any) -> None:
    """Refuse processors with steps of their own: others have the same entries, and crop, pad or scale in another way."""
    name = type(processor).__name__
    kind = re.sub(r"(ImageProcessor(Fast|Pil)?|FeatureExtractor)$", "", name)
    if kind not in PROCESSORS:
        raise EncoderError(f"{name} is no image processor that is read here ({', '.join(PROCESSORS)} are); its steps may be others")
    if getattr(processor, "do_pad", None):
        raise EncoderError(f"{name} pads what it has prepared (do_pad), which is not supported")


def _preprocess(processor: Any) -> Preprocess:
    """What the processor does, step by step; a step that is switched off is left out here too."""
    resize, cropped = bool(getattr(processor, "do_resize", True)), bool(getattr(processor, "do_center_crop", False))
    size = dict(processor.size) if resize and processor.size else {}
    if set(size) not in (set(), {"shortest_edge"}, {"height", "width"}):
        raise EncoderError(f"image processor with size {size} is not supported (shortest_edge, or height and width, are)")
    edge = size.get("shortest_edge")
    crop = dict(processor.crop_size) if cropped and processor.crop_size else None
    target = crop or ({"height": edge, "width": edge} if edge else size)
    if not {"height", "width"} <= set(target) or (edge and not crop):
        raise EncoderError(f"image processor with size {size} (resizes: {resize}), crop {crop} gives no fixed shape; LatentDiff needs one")
    if crop and not edge and resize and crop != size:
        raise EncoderError(f"image processor resizes to {size} and crops {crop}: not supported")
    return Preprocess(
        target["height"],
        target["width"],
        **_numbers(processor),
        resize_mode="none" if not resize else "shortest" if edge else "squash",
        shortest_edge=edge if edge and (edge, edge) != (target["height"], target["width"]) else None,
        crop="floor",
    )


def _check_size(preprocess: Preprocess, vision: Any) -> None:
    """Refuse pictures of a size that the model has no positions for."""
    size = getattr(vision, "image_size", None)
    taken = (size, size) if isinstance(size, int) else tuple(size or ())
    made = (preprocess.height, preprocess.width)
    if taken and taken != made:
        raise EncoderError(
            f"the image processor makes pictures of height {made[0]} and width {made[1]}, the model takes {taken[0]} and {taken[1]}: "
            "write the latter as crop_size (or size) into preprocessor_config.json"
        )


def _patches(processor: Any) -> Patches:
    """SigLIP 2 at the picture's own aspect ratio."""
    if not (hasattr(processor, "max_num_patches") and hasattr(processor, "patch_size")):
        raise EncoderError(f"{type(processor).__name__} is no image processor of a SigLIP 2 model that takes patches")
    if not getattr(processor, "do_resize", True):
        raise EncoderError("an image processor that does not resize gives no fixed shape; LatentDiff needs one")
    return Patches(int(processor.patch_size), int(processor.max_num_patches), **_numbers(processor))


def _numbers(processor: Any) -> dict[str, Any]:
    """Mean, std, scale and interpolation of a processor."""
    resample = {1: "lanczos", 2: "bilinear", 3: "bicubic"}.get(int(processor.resample))
    if resample is None:
        raise EncoderError(f"image processor with resample={processor.resample} is not supported (lanczos, bilinear, bicubic are)")
    normalise, rescale = bool(getattr(processor, "do_normalize", True)), bool(getattr(processor, "do_rescale", True))
    return {
        "mean": _of_channels(processor.image_mean) if normalise else (0.0, 0.0, 0.0),
        "std": _of_channels(processor.image_std) if normalise else (1.0, 1.0, 1.0),
        "scale": float(processor.rescale_factor) if rescale else 1.0,
        "interpolation": resample,
    }


def _of_channels(value: Any) -> tuple[float, ...]:
    """A number per channel; one number stands for all three."""
    return (float(value),) * 3 if isinstance(value, (int, float)) else tuple(value)
