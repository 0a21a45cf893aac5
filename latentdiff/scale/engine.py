"""Where a comparison runs: on this machine, or on a Ray cluster."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..errors import InputError

ENGINES = ("local", "ray")


@dataclass(frozen=True)
class Engine:
    """Where passes over the vectors run; both kinds give the same result.

    Raises:
        InputError: another kind, or a cluster's options for this machine.

    Example:
        >>> compare_views(dataset, "summer", "winter", embeddings="clip", run="r", engine=Engine("ray", address="ray://host:10001"))
    """

    kind: str = "local"
    """``"local"``, or ``"ray"``: the vectors are never in memory together."""
    address: str | None = None
    """Of a running cluster ("auto", "ray://host:10001", "host:6379"); None: the one this process is connected to, else the one that
    RAY_ADDRESS names, else a new one on this machine."""
    exchange: str | None = None
    """Views of a dataset: folder or URI that all machines of the cluster can read, for the vectors; None: a temporary folder here."""
    workers: int | None = None
    """Worker processes of a new cluster, >= 1; None for one a core."""

    def __post_init__(self) -> None:
        if self.kind not in ENGINES:
            raise InputError(f'engine is "local" or "ray", not {self.kind!r}')
        given = [name for name in ("address", "exchange", "workers") if getattr(self, name) is not None]
        if self.kind == "local" and given:
            what = {"address": "an address is one", "exchange": "an exchange folder is one", "workers": "workers are those"}[given[0]]
            raise InputError(f"{what} of a Ray cluster: pass engine ray with it")
        if self.workers is not None and self.workers < 1:
            raise InputError(f"a cluster has at least one worker, not {self.workers}")

    @property
    def elsewhere(self) -> bool:
        """Whether its machines may not see this one's files."""
        return bool(self.address) and self.address not in ("auto", "local")


LOCAL = Engine()


def engine_of(given: Any) -> Engine:
    """An engine from what callers name it by: itself, its kind alone, or None for this machine.

    Raises:
        InputError: something else.
    """
    if isinstance(given, Engine):
        return given
    return LOCAL if given is None else Engine(given)
