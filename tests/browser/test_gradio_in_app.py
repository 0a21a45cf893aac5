"""The Gradio page inside FiftyOne's App: the panel and the operator start it, the component frames it, and it can be used there."""

from __future__ import annotations

from typing import Any

from tests.browser.panel_app import App
from tests.browser.served import PATIENCE

FRAME = 'iframe[title="LatentDiff"]'


def used(app: App) -> None:
    """A click in the framed page reaches Python and comes back."""
    frame: Any = app.page.frame_locator(FRAME)
    frame.locator("#compare").click(timeout=PATIENCE)
    frame.get_by_text("Name folder A first.").wait_for(timeout=PATIENCE)
    assert frame.locator("body.dark").count() == 1  # as the App is by default


def test_the_panel_frames_the_page_and_goes_back(app: App) -> None:
    app.button("Folders or zip files").click()
    used(app)
    assert app.page.locator(FRAME).evaluate("f => f.getBoundingClientRect().right <= innerWidth")
    app.picture("30_page_in_the_panel")
    app.button("Back to the comparisons").click()
    app.page.wait_for_selector("text=More in")
    assert app.page.locator(FRAME).count() == 0


def test_the_operator_frames_the_page(app: App) -> None:
    app.page.set_viewport_size({"width": 3600, "height": 1000})  # the operator browser's button hides where the grid is narrow
    app.page.click('[data-cy="action-browse-operations"]')
    app.page.get_by_placeholder("Search operations by name...").fill("LatentDiff: compare folders")
    app.page.get_by_text("LatentDiff: compare folders or zip files").first.click()
    used(app)
    inside = "f => f.getBoundingClientRect().right <= f.closest('[role=dialog]').getBoundingClientRect().right + 1"
    assert app.page.locator(FRAME).evaluate(inside)
    app.picture("31_page_by_the_operator")
    app.page.set_viewport_size({"width": 1600, "height": 1000})
