"""One interface from two sets of captions to ranked phrases: a language model behind a server, or word statistics without one.

    WordStatistics      no model, nothing sent: log-odds of words and two-word phrases     (aggregate.py)
    ChatLanguageModel   any OpenAI-compatible chat server, which is sent the captions       (chat.py)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from ..progress import Progress, silent


class LanguageModel(Protocol):
    """Two sets of captions to phrases."""

    name: str
    """What proposes, for reports: kind and model."""
    sends: str
    """What leaves this machine, in words; "" where nothing does."""

    def phrases(
        self, more: Sequence[str], less: Sequence[str], count: int = 10, *, background: Sequence[str] = (), progress: Progress = silent
    ) -> list[str]:
        """Phrases that are more true of one set of captions than of the other.

        Args:
            more: captions of the set to be described.
            less: captions of the set from which it differs.
            count: how many phrases at most.
            background: captions of ordinary images of both sets; statistics use them, servers are not sent them.
            progress: raise :class:`~latentdiff.errors.Cancelled` in it to stop.

        Returns:
            Distinct phrases, best first; may be empty.

        Raises:
            EndpointError: the server cannot be used, does not answer, or the budget is spent.
        """
        ...
