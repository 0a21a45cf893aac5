"""A stored comparison as lists show it: its name, and what is known of it before its results are opened."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from latentdiff.results.comparison import FIRST

from . import writers
from .document import TEXTS
from .groups import GROUPS
from .records import COMPLETE, WRITING


class RunSummary(str):
    """A run's name, with what is known of it before its results are opened."""

    config: dict[str, Any]
    made: datetime | None
    """When, in UTC; None where that is not known."""

    def __new__(cls, name: str, config: dict[str, Any], made: datetime | None = None) -> RunSummary:
        self = super().__new__(cls, name)
        self.config, self.made = config, made
        return self

    @property
    def state(self) -> str:
        """ "complete", or what another process is doing: "writing", "deleting", "renaming" or "replacing"."""
        return str(self.config.get("state", WRITING))

    @property
    def complete(self) -> bool:
        """Whether it can be loaded; what is not can only be deleted."""
        return self.state == COMPLETE

    @property
    def being_written(self) -> bool:
        """Whether a process of this machine is changing it right now, which ends by itself."""
        return not self.complete and writers.alive(self.config.get("writer"), lambda: None)

    @property
    def provisional(self) -> bool:
        """Whether it is a first answer, whose final one is still being made or never came."""
        return FIRST in self.config

    @property
    def going_on(self) -> bool:
        """Whether the final answer is being made, by a process of this machine; of another machine's nothing is known."""
        return self.provisional and writers.alive((self.config[FIRST] or {}).get("writer"), lambda: None)

    @property
    def verdict(self) -> dict[str, Any]:
        """``differs``, ``auc``, ``p_value``, ``hypotheses`` (how many pass); empty for an incomplete run."""
        return {name: value for name, value in (self.config.get("verdict") or {}).items() if name != TEXTS}

    @property
    def texts(self) -> tuple[str, ...]:
        """What its findings are called, and fields that differ; none for comparisons of earlier versions."""
        return tuple(map(str, (self.config.get("verdict") or {}).get(TEXTS) or ()))

    @property
    def groups(self) -> tuple[str, ...]:
        """Names of the groups, where it holds groups; none where it holds two sides."""
        return tuple(self.config.get("group_names") or ()) if self.config.get("kind") == GROUPS else ()

    @property
    def views(self) -> tuple[str, str]:
        """Names of both sides; where it holds groups, the field that they are of, and "the rest"."""
        sides = self.config["sides"]
        return sides["A"]["name"], sides["B"]["name"]
