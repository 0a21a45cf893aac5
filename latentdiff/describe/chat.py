"""Two sets of captions to phrases by a language model behind an OpenAI-compatible server."""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import EndpointError
from ..progress import Progress, silent
from .endpoint import ChatEndpoint
from .parsing import parse_phrases, refuses
from .prompts import DIFFERENCES, PHRASES_SCHEMA, captions_as_data

TOKENS_PER_PHRASE = 40
"""Room for one phrase in an answer, in any language, with its JSON."""


class ChatLanguageModel:
    """Ranked phrases from a chat model; captions are sent as data, answers are read tolerantly.

    Args:
        endpoint: the server and model, with budget and account.
    """

    def __init__(self, endpoint: ChatEndpoint) -> None:
        self.endpoint = endpoint
        self.name = endpoint.model
        self.sends = f"captions to {endpoint.base_url} ({endpoint.model})"

    def phrases(
        self, more: Sequence[str], less: Sequence[str], count: int = 10, *, background: Sequence[str] = (), progress: Progress = silent
    ) -> list[str]:
        """Phrases truer of ``more`` than of ``less``; see :class:`~latentdiff.describe.language.LanguageModel`."""
        if not more:
            return []
        answer = self.endpoint.ask(
            DIFFERENCES,
            captions_as_data(more, less, count),
            schema=PHRASES_SCHEMA,
            answer_tokens=200 + TOKENS_PER_PHRASE * count,
            progress=progress,
        )
        found = parse_phrases(answer, count)
        if not found and refuses(answer):
            raise EndpointError(f"{self.name} at {self.endpoint.base_url} refused: {' '.join(answer.split())[:200]}")
        return found
