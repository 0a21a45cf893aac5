"""The page shows a first answer while the final one is made; stopped, it stays with its files."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
from fiftyone_plugin.panels.page.page import _work
from fiftyone_plugin.panels.page.sessions import Sessions
from fiftyone_plugin.panels.page.settings import PageSettings

from fiftyone_plugin import list_comparisons
from latentdiff.comparing import first as module
from latentdiff.errors import Cancelled
from tests.panels.page.test_views import asked, dataset, pictures

__all__ = ["dataset", "pictures"]


@pytest.fixture(autouse=True)
def at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LEAST", 0.0)
    monkeypatch.setattr(module, "TIMES", 0.0)
    monkeypatch.setenv("LATENTDIFF_CACHE", str(tmp_path / "cache"))


@pytest.mark.parametrize("stop", [False, True])
def test_it_is_shown_and_replaced_or_stays(dataset: Any, tmp_path: Path, stop: bool) -> None:
    sessions, shown = Sessions(tmp_path / "sessions"), []
    session = sessions.get("tab")
    session.working.acquire()

    def first(found: Any) -> None:
        shown.append(found)
        if stop:
            session.stop.set()

    wanted = dataclasses.replace(asked(dataset), concepts="pair", sae="", run="seasons")
    given = wanted, PageSettings(roots=(tmp_path,)), sessions, session, lambda fraction, label: None, first
    if stop:
        with pytest.raises(Cancelled):
            _work(*given)
    else:
        final = _work(*given)
        assert "First answer" not in final.verdict and all(Path(path).is_file() for path in final.files.values())
    (early,) = shown
    assert "First answer: summer and winter differ" in early.verdict and "better concepts come in" not in early.verdict
    assert all(Path(path).is_file() for path in early.files.values()) and not session.working.locked()
    assert [one.provisional for one in list_comparisons(dataset)] == [stop]
    sessions.close()
