"""Captions by a transformers image-to-text model on this machine: BLIP-2 as in the paper, or a smaller one."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..compute.extras import needs
from ..embed.fingerprint import weights_digest
from ..embed.precision import pick_device
from ..errors import CheckpointError, EncoderError, InputError
from ..progress import Progress, silent
from .caption_cache import cached_captions
from .captions import Caption, CaptionFailure, tidy
from .pictures import read_picture

if TYPE_CHECKING:
    from ..embed.images import Source

FAMILIES = ("blip", "blip-2", "git", "vision-encoder-decoder")
"""``model_type`` values that are read."""
PAPER = "Salesforce/blip2-flan-t5-xl"
SMALL = "Salesforce/blip-image-captioning-base"
LONGEST = 768
"""Pixels of a picture's longer side before the model's own resizing."""


class ImageToTextCaptioner:
    """Captions by a local image-to-text model; nothing leaves the machine. Made by :func:`load_image_to_text`.

    Args:
        model: transformers model with ``generate``.
        image_processor: its own.
        tokenizer: its own.
        name: for reports.
        prompt: text that the caption continues; "" for none.
        batch_size: images per forward pass, >= 1.
        tokens: length of a caption at most, in tokens, >= 1.
        keep: whether captions stay in the cache.
    """

    reads, sends = "images", ""

    def __init__(
        self,
        model: Any,
        image_processor: Any,
        tokenizer: Any,
        name: str,
        *,
        prompt: str = "",
        batch_size: int = 8,
        tokens: int = 40,
        keep: bool = True,
    ) -> None:
        if batch_size < 1 or tokens < 1:
            raise InputError(f"batch_size and tokens must be at least 1, not {batch_size} and {tokens}")
        self.model, self.name, self.prompt = model.eval().requires_grad_(False), name, prompt
        self.batch_size, self.tokens, self.keep = batch_size, tokens, keep
        self._processor, self._tokenizer = image_processor, tokenizer
        self._identity: tuple[str, ...] | None = None

    def captions(self, images: Sequence[Source], *, progress: Progress = silent) -> list[Caption]:
        """Captions of files or PIL images; one that cannot be read fails alone."""
        if isinstance(images, (str, bytes, os.PathLike)):
            raise InputError("images is a list of files, not one file: put it in a list")
        if self._identity is None:  # by the weights: two checkpoints of one name write different captions
            self._identity = ("image-to-text", weights_digest(self.model), self.prompt, str(self.tokens), str(LONGEST))
        return cached_captions(images, self._identity, lambda some, _: self._caption(some), progress, self.batch_size, self.keep)

    def _caption(self, images: list[Source]) -> list[Caption]:
        out: list[Caption] = [CaptionFailure("no caption was made")] * len(images)
        pictures = {}
        for i, image in enumerate(images):
            try:
                pictures[i] = read_picture(image, LONGEST)
            except InputError as e:
                out[i] = CaptionFailure(str(e))
        if pictures:
            for i, text in zip(pictures, self._generate(list(pictures.values())), strict=True):
                out[i] = tidy(text)
        return out

    def _generate(self, pictures: list[Any]) -> list[str]:
        import torch

        device, dtype = self.model.device, self.model.dtype
        inputs = {"pixel_values": self._processor(images=pictures, return_tensors="pt")["pixel_values"].to(device, dtype)}
        given = torch.zeros((len(pictures), 0), dtype=torch.long, device=device)
        if self.prompt:
            given = self._tokenizer([self.prompt] * len(pictures), return_tensors="pt")["input_ids"].to(device)
        if self.model.config.model_type == "blip-2":
            # Its image enters at placeholders before the prompt; without them it would caption the prompt alone.
            begin = given if self.prompt else given.new_full((len(pictures), 1), first_token(self.model))
            holders = begin.new_full((len(pictures), self.model.config.num_query_tokens), self.model.config.image_token_id)
            given = torch.cat([holders, begin], 1)
        if given.shape[1]:
            inputs |= {"input_ids": given, "attention_mask": torch.ones_like(given)}
        with torch.inference_mode():
            tokens = self.model.generate(**inputs, max_new_tokens=self.tokens, do_sample=False, num_beams=1)
        length = given.shape[1]
        repeated = length > 0 and tokens.shape[1] >= length and bool((tokens[:, :length] == given).all())
        return self._tokenizer.batch_decode(tokens[:, length if repeated else 0 :], skip_special_tokens=True)


def first_token(model: Any) -> int:
    """What begins a text of BLIP-2's language model: its BOS; T5, which has none, is given its padding."""
    config = model.config.text_config
    known = (getattr(config, name, None) for name in ("bos_token_id", "pad_token_id", "eos_token_id"))
    return next((t for t in known if t is not None), 0)


def load_image_to_text(
    name: str | os.PathLike, *, device: Any = None, prompt: str = "", batch_size: int = 8, tokens: int = 40, keep: bool = True
) -> ImageToTextCaptioner:
    """A BLIP, BLIP-2, GIT or vision-encoder-decoder (ViT-GPT2) captioner.

    Args:
        name: local folder (the network is not touched), or hub id such as ``PAPER`` or ``SMALL``.
        device: torch device; None: CUDA, else MPS, else CPU.
        prompt, batch_size, tokens, keep: see :class:`ImageToTextCaptioner`.

    Raises:
        CheckpointError: a folder that does not hold such a model.
        EncoderError: another kind of model, or one that cannot be fetched.
    """
    with needs("describe", "an image-to-text captioner"):
        from transformers import AutoConfig, AutoImageProcessor, AutoModelForImageTextToText, AutoTokenizer

    name = os.fspath(name)
    local = Path(name).is_dir()
    own: dict[str, Any] = {"local_files_only": local, "trust_remote_code": False}  # unset, it may ask at a terminal
    try:
        config = AutoConfig.from_pretrained(name, **own)
        if config.model_type not in FAMILIES:
            runs = ", ".join(FAMILIES)
            raise EncoderError(f"{name} is a {config.model_type!r} model; LatentDiff runs {runs}. Serve others by a chat server")
        if config.model_type == "blip-2" and config.image_token_id is None:
            raise EncoderError(f"{name} is saved by an old transformers: its config has no image_token_index; fetch the present one")
        model = AutoModelForImageTextToText.from_pretrained(name, dtype="auto", weights_only=True, **own)
        processor = AutoImageProcessor.from_pretrained(name, **own)
        tokenizer = AutoTokenizer.from_pretrained(name, **own)
    except EncoderError:
        raise
    except Exception as e:
        why = f"{type(e).__name__}: {str(e)[:300]}"
        if local:
            raise CheckpointError(f"{name} does not hold a whole image-to-text model: {why}") from e
        raise EncoderError(f"captioner {name} could not be fetched from the model hub: {why}. Fetch it elsewhere; give its folder") from e
    shown = Path(name).name if local else name
    moved = model.to(pick_device(device))
    return ImageToTextCaptioner(moved, processor, tokenizer, shown, prompt=prompt, batch_size=batch_size, tokens=tokens, keep=keep)
