"""What the tests of promises share: a count of the faults that were tried, survived and lost.

The counts are printed at the end of every run. A campaign (``make torture``, which sets LATENTDIFF_TORTURE=1) tries far more faults and
writes its counts to benchmarks/results/torture.json, from where ``tools/faults_table.py`` puts them into docs/promises.md.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.promises.faults import FAULTS, TORTURE, Faults
from tests.promises.laboratory import Laboratory, mongod


@pytest.fixture(scope="session")
def faults() -> Faults:
    """The one count of this test run."""
    return FAULTS


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


def pytest_sessionfinish(session: pytest.Session) -> None:
    if TORTURE and FAULTS.counts:
        chosen = session.config.option
        FAULTS.store(whole="tests/promises" in session.config.args and not chosen.keyword and not session.shouldstop)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if not FAULTS.counts:
        return
    terminalreporter.section("faults tried / survived / lost")
    for kind, count in sorted(FAULTS.counts.items()):
        terminalreporter.write_line(f"{kind}: {count['tried']} / {count['survived']} / {count['lost']}")
