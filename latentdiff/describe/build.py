"""A describer from a config: models are loaded and servers are named here, and nothing is sent yet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..errors import InputError
from .account import Account, Budget
from .aggregate import WordStatistics
from .captions import Captioner, GivenCaptions
from .chat import ChatLanguageModel
from .config import DescribeConfig
from .describer import Describer
from .endpoint import ChatEndpoint
from .language import LanguageModel
from .proposals import TextEncoder


def build_describer(
    config: DescribeConfig | None = None,
    *,
    images: tuple[Sequence[Any], Sequence[Any]] | None = None,
    captions: Mapping[Any, str | Sequence[str]] | None = None,
    encode_texts: TextEncoder | None = None,
    key: str | None = None,
    device: Any = None,
) -> Describer:
    """A describer for :func:`latentdiff.compare`.

    Args:
        config: every choice; None: captions from the vocabulary and word statistics, for which no model and no server are needed.
        images: per side, what row i of its vectors is: files or PIL images for a model or server, keys for given captions.
        captions: caption or captions by those keys (``captioner="given"``).
        encode_texts: texts to vectors in the images' space (``Encoder.encode_texts``); None: only phrases made of the vocabulary's words
            are tested.
        key: the server's key; None: from the environment. It is kept nowhere else.
        device: torch device of an image-to-text model.

    Raises:
        InputError: parts that do not fit together.
        EncoderError, CheckpointError: a captioner that cannot be loaded.
    """
    config = config or DescribeConfig()
    if config.captioner == "given" and captions is None:
        raise InputError('captioner="given" needs captions={image: caption}')
    if config.captioner != "given" and captions is not None:
        raise InputError(f'captions are given, but captioner is {config.captioner!r}; use DescribeConfig(captioner="given")')
    if config.captioner != "vocabulary" and images is None:
        raise InputError(f"captioner={config.captioner!r} needs images=(of_a, of_b): what each row of the vectors is")
    account = Account()  # one budget for all that a config has asked
    captioner = GivenCaptions(captions) if captions is not None else _captioner(config, account, key, device)
    language: LanguageModel = WordStatistics()
    if config.language == "endpoint":
        language = ChatLanguageModel(_endpoint(config, config.language_model, account, key))
    return Describer(language, captioner, encode_texts, images, config)


def _captioner(config: DescribeConfig, account: Account, key: str | None, device: Any) -> Captioner | None:
    if config.captioner == "image-to-text":
        from .image_to_text import load_image_to_text

        return load_image_to_text(config.captioner_model or "", device=device, prompt=config.caption_prompt or "")
    if config.captioner == "endpoint":
        from .prompts import CAPTION
        from .vision_endpoint import EndpointCaptioner

        endpoint = _endpoint(config, config.captioner_model or config.language_model, account, key)
        return EndpointCaptioner(endpoint, prompt=config.caption_prompt or CAPTION)
    return None


def _endpoint(config: DescribeConfig, model: str | None, account: Account, key: str | None) -> ChatEndpoint:
    budget = Budget(config.calls, config.tokens)
    return ChatEndpoint(config.base_url or "", model or "", key=key, timeout=config.timeout, budget=budget, account=account)
