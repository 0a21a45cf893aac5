"""What the tests of promises share: a count of the faults that were tried, survived and lost.

The counts are printed at the end of every run. A campaign (``make torture``, which sets LATENTDIFF_TORTURE=1) tries far more faults
and writes its counts to benchmarks/results/torture.json, kind by kind: what another campaign counted of other kinds stays there.
"""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.promises.laboratory import Laboratory, mongod

TORTURE = os.environ.get("LATENTDIFF_TORTURE") == "1"
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
    def trial(self, kind: str) -> Iterator[None]:
        """One fault and the checks after it: survived if the block ends, lost if it raises."""
        try:
            yield
        except BaseException:
            self.lost(kind)
            raise
        self.survived(kind)


_faults = Faults()


@pytest.fixture(scope="session")
def faults() -> Faults:
    """The one count of this test run."""
    return _faults


@pytest.fixture(scope="session")
def torture() -> bool:
    """Whether this is the long campaign rather than ``make test``."""
    return TORTURE


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laboratory]:
    """A database and a worker that may be killed at any moment."""
    if mongod() is None:
        pytest.skip("FiftyOne brought no mongod along that could be started and killed")
    made = Laboratory(tmp_path_factory.mktemp("laboratory") / "lab")
    yield made
    made.close()


def pytest_sessionfinish() -> None:
    if not TORTURE or not _faults.counts:
        return
    stored = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    written = RESULTS.with_suffix(".new")
    written.write_text(json.dumps(dict(sorted((stored | _faults.counts).items())), indent=2) + "\n")
    written.replace(RESULTS)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if not _faults.counts:
        return
    terminalreporter.section("faults tried / survived / lost")
    for kind, count in sorted(_faults.counts.items()):
        terminalreporter.write_line(f"{kind}: {count['tried']} / {count['survived']} / {count['lost']}")
