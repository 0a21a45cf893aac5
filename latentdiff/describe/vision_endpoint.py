"""Captions by a vision model behind an OpenAI-compatible server: images are sent to it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..errors import EndpointError, InputError
from ..progress import Progress, silent
from .caption_cache import cached_captions
from .captions import Caption, CaptionFailure, tidy
from .endpoint import ChatEndpoint, at_once
from .parsing import refuses, spoken
from .pictures import data_url, read_picture
from .prompts import CAPTION

if TYPE_CHECKING:
    from ..embed.images import Source

LONGEST = 512
"""Pixels of the longer side of a picture that is sent."""
AT_ONCE = 4
FAILURES = 3
"""Batches that may fail altogether, one after another, before the server is given up."""


class EndpointCaptioner:
    """Each image as a data URL, scaled down, with one question; file names, places and camera data stay here.

    Args:
        endpoint: the server and model, with budget and account.
        prompt: what is asked of each image.
        longest: pixels of the longer side of a picture that is sent, >= 32.
        at_once: requests at the same time, >= 1.
        keep: whether captions stay in the cache.
    """

    reads = "images"

    def __init__(
        self, endpoint: ChatEndpoint, *, prompt: str = CAPTION, longest: int = LONGEST, at_once: int = AT_ONCE, keep: bool = True
    ) -> None:
        if longest < 32 or at_once < 1:
            raise InputError(f"longest must be at least 32 and at_once at least 1, not {longest} and {at_once}")
        self.endpoint, self.name, self.prompt = endpoint, endpoint.model, prompt
        self.longest, self.at_once, self.keep = longest, at_once, keep
        self.sends = f"images, scaled to {longest} pixels, to {endpoint.base_url} ({endpoint.model})"
        self._lost = 0

    def captions(self, images: Sequence[Source], *, progress: Progress = silent) -> list[Caption]:
        """Captions of files or PIL images; one that cannot be read, or that the server refuses, fails alone.

        Raises:
            EndpointError: ``FAILURES`` batches in a row brought nothing: no more is sent.
        """
        if isinstance(images, (str, bytes, os.PathLike)):
            raise InputError("images is a list of files, not one file: put it in a list")
        identity = ("endpoint", self.endpoint.base_url, self.endpoint.model, self.prompt, str(self.longest))
        self._lost = 0
        return cached_captions(images, identity, self._batch, progress, self.at_once, self.keep)

    def _batch(self, images: list[Source], progress: Progress) -> list[Caption]:
        out = at_once(images, self._one, self.at_once, progress, f"captions by {self.name}")
        lost = [c for c in out if isinstance(c, _ServerFailure)]
        self._lost = self._lost + 1 if len(lost) == len(out) else 0
        if self._lost >= FAILURES:
            raise EndpointError(lost[0].reason)
        return out

    def _one(self, image: Source, progress: Progress) -> Caption:
        try:
            url = data_url(read_picture(image, self.longest))
            answer = self.endpoint.ask(self.prompt, "The image:", images=[url], answer_tokens=120, progress=progress)
        except InputError as e:
            return CaptionFailure(str(e))
        except EndpointError as e:
            return _ServerFailure(str(e))
        return CaptionFailure(f"{self.name} refused: {answer[:120]}") if refuses(answer) else tidy(spoken(answer))


class _ServerFailure(CaptionFailure):
    """The server gave no caption, whatever the image."""
