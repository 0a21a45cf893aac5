"""Every choice of how exemplars become phrases; papers' ablations are loops over these."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from ..errors import InputError
from .server import checked_url

CAPTIONERS = ("vocabulary", "given", "image-to-text", "endpoint")
LANGUAGES = ("statistics", "endpoint")


@dataclass(frozen=True)
class DescribeConfig:
    """Options of :class:`~latentdiff.describe.describer.Describer`. Immutable; JSON in, JSON out; a server's key is never part of it."""

    captioner: str = "vocabulary"
    """``"vocabulary"`` (no model), ``"given"`` (captions that exist), ``"image-to-text"`` (a transformers model on this machine) or
    ``"endpoint"`` (a vision server, which is sent the exemplars' images)."""
    captioner_model: str | None = None
    """Folder or hub id of an image-to-text model, or the vision server's model (None there: the language model)."""
    caption_prompt: str | None = None
    """What is asked of each image; None: the captioner's own."""
    language: str = "statistics"
    """``"statistics"`` (log-odds of words, nothing sent) or ``"endpoint"`` (a chat server, which is sent the captions)."""
    language_model: str | None = None
    """The chat server's model."""
    base_url: str | None = None
    """Address of the server, such as ``"http://localhost:8000/v1"``."""
    exemplars: int = 20
    """Captioned exemplars per side and round (VisDiff's number)."""
    pool: int = 2
    """Exemplars are chosen for diversity among so many times as many of the most extreme images; 1: the most extreme ones (the paper)."""
    rounds: int = 1
    """Rounds, each with exemplars of its own (VisDiff: 3)."""
    contrast: int = 20
    """Captioned random images per side: what is ordinary (for statistics; not sent to a chat server)."""
    phrases: int = 10
    """Phrases asked for, per side and round."""
    calls: int = 500
    """Requests to a server at most."""
    tokens: int = 1_000_000
    """Tokens of prompts and answers at most."""
    timeout: float = 60.0
    """Seconds that one request may take."""
    keep: bool = True
    """Whether captions that a model writes stay in the cache, for the next comparison of these images."""

    def __post_init__(self) -> None:
        self._need(self.captioner in CAPTIONERS, "captioner", f"one of {', '.join(CAPTIONERS)}")
        self._need(self.language in LANGUAGES, "language", f"one of {', '.join(LANGUAGES)}")
        for name in ("exemplars", "pool", "rounds", "phrases"):
            self._need(getattr(self, name) >= 1, name, "at least 1")
        self._need(self.contrast >= 0, "contrast", "at least 0")
        self._need(self.timeout > 0, "timeout", "more than 0 seconds")
        self._need(self.captioner != "image-to-text" or bool(self.captioner_model), "captioner_model", "a folder or hub id")
        if "endpoint" in (self.captioner, self.language):
            model = self.language_model or (self.captioner_model if self.language != "endpoint" else None)
            self._need(bool(self.base_url), "base_url", "the server's address, such as http://localhost:8000/v1")
            checked_url(self.base_url or "")  # before it is stored: an address may hold a password
            self._need(bool(model), "language_model", "the server's model")

    def _need(self, ok: bool, name: str, what: str) -> None:
        if not ok:
            raise InputError(f"DescribeConfig.{name} must be {what}, not {getattr(self, name)!r}")

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values; ``DescribeConfig(**d)`` gives the same config back."""
        return dataclasses.asdict(self)

    @property
    def sends(self) -> list[str]:
        """What will leave this machine, in words, to be shown before it does; nothing where empty."""
        where = checked_url(self.base_url) if self.base_url else ""
        per = self.exemplars * self.rounds
        images = f"about {2 * (per + self.contrast)} images to {where} ({self.captioner_model or self.language_model})"
        captions = f"the captions of about {2 * per} images to {where} ({self.language_model})"
        return [images] * (self.captioner == "endpoint") + [captions] * (self.language == "endpoint")

    @classmethod
    def paper(cls, captioner_model: str, base_url: str, language_model: str, **changes: Any) -> DescribeConfig:
        """The paper's pipeline: BLIP-2 captions of the ten most extreme images a side, differences by a language model."""
        own = {"captioner": "image-to-text", "language": "endpoint", "exemplars": 10, "pool": 1, "contrast": 0}
        return cls(**{**own, "captioner_model": captioner_model, "base_url": base_url, "language_model": language_model, **changes})


def describe_by(
    *,
    captioner: str | None = None,
    captions: bool = False,
    url: str | None = None,
    model: str | None = None,
    base: DescribeConfig | None = None,
    **more: Any,
) -> DescribeConfig | None:
    """The config of what people choose one by one: on the command line, in the App's form, on the page.

    Args:
        captioner: "vocabulary", "endpoint", or an image-to-text model (its folder or hub id).
        captions: whether captions that exist are given.
        url, model: of a server; both or none.
        base: choices that these add to.
        **more: further fields (``calls``, ``tokens``, ``rounds``, ``caption_prompt``); None leaves them as they are.

    Returns:
        None where nothing asks for captions: neither do a budget or rounds alone.

    Raises:
        InputError: choices that do not go together.
    """
    if captions and captioner:
        raise InputError("captions exist already (--captions), or a captioner makes them (--captioner); use one")
    own: dict[str, Any] = {}
    if captions or captioner:
        named = captioner if captioner not in (None, "vocabulary", "endpoint") else None
        own = {"captioner": "given" if captions else "image-to-text" if named else captioner, "captioner_model": named}
    all_url, all_model = url or (base and base.base_url), model or (base and base.language_model)
    if (url or model) and not (all_url and all_model):
        raise InputError("a language model needs both its server's address and its name (--llm-url, --llm-model)")
    if own.get("captioner") == "endpoint" and not all_url:
        raise InputError("a captioner on a server needs its address and model (--captioner endpoint needs --llm-url and --llm-model)")
    if url or model:
        own |= {"language": "endpoint", "language_model": all_model, "base_url": all_url}
    if not own and base is None:
        return None
    return dataclasses.replace(base or DescribeConfig(), **own, **{name: value for name, value in more.items() if value is not None})
