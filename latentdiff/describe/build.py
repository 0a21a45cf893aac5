"""A describer from a config: models are loaded and servers are named here, and nothing is sent yet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..errors import InputError
from .captions import Captioner, GivenCaptions
from .chat import ChatLanguageModel
from .config import DescribeConfig
from .describer import Describer
from .endpoint import ChatEndpoint
from .language import LanguageModel
from .proposals import TextEncoder
from .usage import Account, Budget
from .word_statistics import WordStatistics


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
    if config.captioner != "vocabulary" and images is None:
        raise InputError(f"captioner={config.captioner!r} needs images=(of_a, of_b): what each row of the vectors is")
    account = Account()  # one budget for all that a config has asked
    captioner = build_captioner(config, account, captions=captions, key=key, device=device)
    return Describer(build_language(config, account, key=key), captioner, encode_texts, images, config)


def build_captioner(
    config: DescribeConfig,
    account: Account,
    *,
    captions: Mapping[Any, str | Sequence[str]] | None = None,
    key: str | None = None,
    device: Any = None,
) -> Captioner | None:
    """The captioner that a config names; None for the vocabulary, which is made of the comparison's own words.

    Args:
        config: every choice.
        account: what is counted there, with other parts of the same config.
        captions, key, device: as :func:`build_describer`.

    Raises:
        InputError: captions without ``captioner="given"``, or the other way round.
        EncoderError, CheckpointError: a captioner that cannot be loaded.
    """
    if config.captioner == "given" and captions is None:
        raise InputError('captioner="given" needs captions={image: caption}')
    if config.captioner != "given" and captions is not None:
        raise InputError(f'captions are given, but captioner is {config.captioner!r}; use DescribeConfig(captioner="given")')
    if captions is not None:
        return GivenCaptions(captions)
    if config.captioner == "image-to-text":
        from .image_to_text import load_image_to_text

        return load_image_to_text(config.captioner_model or "", device=device, prompt=config.caption_prompt or "", keep=config.keep)
    if config.captioner == "endpoint":
        from .prompts import CAPTION
        from .vision_endpoint import EndpointCaptioner

        endpoint = build_endpoint(config, account, key=key, model=config.captioner_model)
        return EndpointCaptioner(endpoint, prompt=config.caption_prompt or CAPTION, keep=config.keep)
    return None


def build_language(config: DescribeConfig, account: Account, *, key: str | None = None) -> LanguageModel:
    """What tells two sets of captions apart. Arguments as :func:`build_captioner`."""
    return ChatLanguageModel(build_endpoint(config, account, key=key)) if config.language == "endpoint" else WordStatistics()


def build_endpoint(config: DescribeConfig, account: Account, *, key: str | None = None, model: str | None = None) -> ChatEndpoint:
    """A config's server, with its budget; nothing is sent yet.

    Args:
        config: every choice.
        account: what is counted there, with other parts of the same config.
        key: as :func:`build_describer`.
        model: None: the language model.
    """
    budget = Budget(config.calls, config.tokens)
    name = model or config.language_model or ""
    return ChatEndpoint(config.base_url or "", name, key=key, timeout=config.timeout, budget=budget, account=account)
