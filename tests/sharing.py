"""Tests on two processes (``pytest -n 2 --dist loadgroup``): who runs what, and one count of faults for all of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.promises.faults import FAULTS, TORTURE

TOGETHER = ("promises",)
"""Folders whose tests share a database and take longest: each stays in one process, and comes first. Those of the browser run alone."""


def group(path: Path) -> str:
    """Tests of one group run in one process, one after the other."""
    folder = path.relative_to(Path(__file__).parent).parts[0]
    return folder if folder in TOGETHER else str(path)


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist reads the marks
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not hasattr(config, "workerinput"):
        return
    for item in items:
        item.add_marker(pytest.mark.xdist_group(group(item.path)))
    items.sort(key=lambda item: group(item.path) not in TOGETHER)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: Any) -> None:
    FAULTS.add(getattr(node, "workeroutput", {}).get("faults", {}))


def pytest_sessionfinish(session: pytest.Session) -> None:
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["faults"] = dict(FAULTS.counts)
    elif TORTURE and FAULTS.counts:
        chosen = session.config.option
        FAULTS.store(whole="tests/promises" in session.config.args and not chosen.keyword and not session.shouldstop)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    if not FAULTS.counts:
        return
    terminalreporter.section("faults tried / survived / lost")
    for kind, count in sorted(FAULTS.counts.items()):
        terminalreporter.write_line(f"{kind}: {count['tried']} / {count['survived']} / {count['lost']}")
