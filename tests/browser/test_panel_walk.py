"""The walk of docs/panel.md: from the demo to a saved view, a judged and renamed finding and a report, in eleven clicks, without Python."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fiftyone_plugin import list_comparisons, load_comparison
from fiftyone_plugin.demo import build_demo
from tests.browser.panel_app import App
from tests.browser.served import save_workspace

CLICKS = 11


@pytest.fixture
def demo(datasets: Callable[..., Any], tmp_path: Path) -> Any:
    """What ``make demo`` makes, of fewer scenes: with 400 no single difference stands out."""
    dataset = datasets(build_demo(1200, folder=tmp_path / "scenes").dataset)
    save_workspace(dataset)
    return dataset


class Hand:
    """Clicks, counted."""

    def __init__(self) -> None:
        self.clicks = 0

    def __call__(self, element: Any) -> None:
        element.click()
        self.clicks += 1


def sides_of(dataset: Any, run: str) -> dict[str, list[str]]:
    """Ids of the images of both sides."""
    return {side: place.ids.tolist() for side, place in load_comparison(dataset, run).sides.items()}


def test_the_walk_of_the_docs(app_window: App, demo: Any, tmp_path: Path, root: Path) -> None:
    page, click = app_window.page, Hand()
    app_window.open(demo.name)
    known = set(list_comparisons(demo))
    click(app_window.button("Compare two views"))
    boxes = page.get_by_role("dialog").get_by_role("combobox")
    boxes.nth(3).wait_for()
    click(boxes.nth(0))
    click(page.get_by_role("option", name="Saved view: winter", exact=True))
    page.wait_for_function("() => [...document.querySelectorAll('[role=combobox]')].some(e => e.innerText.trim() === 'Everything else')")
    app_window.picture("40_walk_form")
    click(page.get_by_role("button", name="Compare", exact=True))
    page.wait_for_selector("text=winter and everything else differ")
    page.wait_for_selector("[role=dialog]", state="detached")
    app_window.picture("41_walk_compared")
    demo.reload()
    (run,) = set(list_comparisons(demo)) - known
    app_window.opened(run)
    first = load_comparison(demo, run).top("A", 1)[0]
    assert first.text == "snow" and not first.weak
    truth = {side: [label == "snow" for label in demo.select(ids).values("setting.label")] for side, ids in sides_of(demo, run).items()}
    for said, side in ((first.rate_a, "A"), (first.rate_b, "B")):
        assert abs(said - sum(truth[side]) / len(truth[side])) < 0.05
    click(page.get_by_label("Save these images as a view").first)
    name = page.get_by_role("dialog").get_by_role("textbox").last
    name.fill("seen in winter")
    click(page.get_by_role("button", name="Save", exact=True))
    page.wait_for_selector("text=Saved ")
    click(page.get_by_label(re.compile("Rename it, note something")).first)
    page.get_by_role("dialog").get_by_role("textbox").first.fill("snow on the ground")
    click(page.get_by_role("button", name="Keep", exact=True))
    page.wait_for_selector("h6 >> text=snow on the ground")
    click(page.get_by_label("This is right", exact=True).first)
    page.wait_for_selector("text=accepted")
    app_window.picture("42_walk_judged")
    click(app_window.button("Export a report"))
    export = page.get_by_role("button", name="Export", exact=True)
    export.wait_for()
    with page.expect_download() as download:
        click(export)
    download.value.save_as(tmp_path / "report.html")
    demo.reload()
    stored = load_comparison(demo, run)
    assert set(demo.load_saved_view("seen in winter").values("id")) == set(stored.ids(first, "A"))
    (said,) = stored.feedback
    assert (said.text, said.state, said.name) == (first.text, "accepted", "snow on the ground")
    report = (tmp_path / "report.html").read_text(encoding="utf8")
    assert "snow on the ground" in report and "accepted" in report
    assert click.clicks == CLICKS == len(re.findall(r"^\d+\. ", (root / "docs/panel.md").read_text(encoding="utf8"), re.MULTILINE))
