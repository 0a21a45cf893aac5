"""The count of the faults that a test run tried, survived and lost."""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

TORTURE = os.environ.get("LATENTDIFF_TORTURE") == "1"
"""Whether this is the long campaign (``make torture``) rather than ``make test``."""
RESULTS = Path(__file__).resolve().parents[2] / "benchmarks" / "results" / "torture.json"


class Faults:
    """Counts of faults by kind, such as "SIGKILL while embedding"."""

    def __init__(self) -> None:
        self.counts: dict[str, dict[str, int]] = defaultdict(lambda: {"tried": 0, "survived": 0, "lost": 0})

    def _count(self, kind: str, outcome: str, n: int) -> None:
        self.counts[kind]["tried"] += n
        self.counts[kind][outcome] += n

    def survived(self, kind: str, n: int = 1) -> None:
        """Count ``n`` faults after which everything promised still held."""
        self._count(kind, "survived", n)

    def lost(self, kind: str, n: int = 1) -> None:
        """Count ``n`` faults after which it did not."""
        self._count(kind, "lost", n)

    @contextmanager
    def trial(self, kind: str, n: int = 1) -> Iterator[None]:
        """One fault (or ``n``) and the checks after it: survived if the block ends, lost if it raises."""
        try:
            yield
        except BaseException:
            self.lost(kind, n)
            raise
        self.survived(kind, n)

    def store(self, whole: bool) -> None:
        """Write the counts to benchmarks/results/torture.json.

        Args:
            whole: this was the whole campaign; else what another one counted of other kinds stays there.
        """
        stored = json.loads(RESULTS.read_text()) if RESULTS.exists() and not whole else {}
        written = RESULTS.with_suffix(".new")
        written.write_text(json.dumps(dict(sorted((stored | self.counts).items())), indent=2) + "\n")
        written.replace(RESULTS)


FAULTS = Faults()
"""The one count of this test run."""
