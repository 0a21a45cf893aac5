"""What states have in common: how a comparison is opened, and how an icon is clicked."""

from __future__ import annotations

import re

from . import photos
from .stage import Stage

BODY = "document.body.innerText"


def open_run(stage: Stage, run: str = "second_try", tab: str = "Differences") -> None:
    """A comparison of photographs, on one of its tabs."""
    stage.app.start(stage.session, stage.scenes.dataset, "second_try", stage.scenes.views[0])
    for _ in range(2):  # the one that is open is answered first: what is chosen meanwhile would be lost
        now = stage.app.comparisons().inner_text().strip()
        stage.page.wait_for_function(f"text => {BODY}.includes(text)", arg=photos.said(stage.scenes.dataset, now))
        if now != run:
            stage.app.open_comparison(run)
    if tab != "Differences":
        stage.app.tab(tab)
        stage.page.wait_for_timeout(1500)


def colour_by(stage: Stage, by: str) -> None:
    stage.app.choose(stage.page.get_by_role("combobox").filter(has_text="By side"), by)
    stage.page.wait_for_timeout(1500)


def click_icon(stage: Stage, name: str) -> None:
    """A button that is an icon alone."""
    stage.page.get_by_label(re.compile(f"^{name}")).first.click()
    stage.page.wait_for_timeout(1000)


def asking(stage: Stage) -> None:
    """A comparison that can be asked, on that tab."""
    stage.app.open(stage.datasets["drawn"].name, "winter and summer differ")
    stage.app.tab("Ask")
    stage.page.wait_for_selector("text=Type a phrase")


def asked(stage: Stage, phrase: str) -> None:
    """Ask, and wait for the answer."""
    field = stage.page.get_by_role("textbox").last
    field.fill(phrase)
    stage.page.keyboard.press("Enter")
    stage.page.wait_for_selector(f"h6 >> text={phrase}")
    stage.page.wait_for_selector("text=Testing", state="detached")
