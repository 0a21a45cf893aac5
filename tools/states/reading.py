"""What one reads in the panel: verdict, cards, plots, fields."""

from __future__ import annotations

import re

from . import photos
from .stage import Stage
from .steps import click_icon, colour_by, open_run


def no_vectors(stage: Stage) -> None:
    """A dataset that nobody has computed vectors for."""
    stage.app.open(stage.datasets["empty"].name, "this dataset has none yet")


def no_comparison(stage: Stage) -> None:
    """Vectors, but no comparison."""
    stage.app.open(stage.datasets["bare"].name, "Read here what differs")


def earlier_version(stage: Stage) -> None:
    """A comparison that version 0.1.0 stored."""
    stage.app.open(photos.earlier().name)


def differs(stage: Stage) -> None:
    """Cards of both sides, with what is folded under them, and the most typical images."""
    open_run(stage)


def differs_not(stage: Stage) -> None:
    """Two halves of the same: leads, and the most typical images."""
    open_run(stage, "nothing")


def few(stage: Stage) -> None:
    """A few flowers among animals."""
    open_run(stage, "few")


def small(stage: Stage) -> None:
    """Few images, near the level."""
    open_run(stage, "small")


def with_fields(stage: Stage) -> None:
    """Cards that say how much of them follows a field."""
    open_run(stage, "fields")


def more_cards(stage: Stage) -> None:
    """More than the first cards."""
    open_run(stage, "fields")
    stage.page.get_by_role("button", name=re.compile("^Show more")).first.click()
    stage.page.wait_for_timeout(2500)


def detail(stage: Stage) -> None:
    """All that is known of a card."""
    open_run(stage)
    click_icon(stage, "More about it")
    stage.after(lambda: click_icon(stage, "Less"))


def shifts(stage: Stage) -> None:
    """Slight shifts unfolded."""
    open_run(stage)
    stage.page.get_by_role("button", name=re.compile("slight shift")).click()
    stage.page.wait_for_timeout(1500)
    stage.after(lambda: stage.page.get_by_role("button", name=re.compile("slight shift")).click())


def notes(stage: Stage) -> None:
    """Notes unfolded: images that were left out."""
    open_run(stage, "noted")
    stage.page.get_by_role("button", name=re.compile(r"^\d+ notes?$")).click()
    stage.page.wait_for_timeout(1500)
    stage.after(lambda: stage.page.get_by_role("button", name=re.compile(r"^\d+ notes?$")).click())


def fields_tab(stage: Stage) -> None:
    """Fields that differ."""
    open_run(stage, "fields", "Fields")


def fields_tab_empty(stage: Stage) -> None:
    """No fields were compared."""
    open_run(stage, tab="Fields")


def scores(stage: Stage) -> None:
    """Images by score."""
    open_run(stage, tab="Images by score")


def scores_brushed(stage: Stage) -> None:
    """Some bars brushed: the grid follows."""
    open_run(stage, tab="Images by score")
    box = stage.app.settled(".js-plotly-plot .nsewdrag")
    stage.page.mouse.move(box["x"] + 0.6 * box["width"], box["y"] + 30)
    stage.page.mouse.down()
    stage.page.mouse.move(box["x"] + box["width"] - 2, box["y"] + 90, steps=10)
    stage.page.mouse.up()
    stage.page.wait_for_selector("text=The grid shows the images with a score from")


def map_sides(stage: Stage) -> None:
    """The map, coloured by side."""
    open_run(stage, tab="Map")


def map_scores(stage: Stage) -> None:
    """The map, coloured by score."""
    open_run(stage, tab="Map")
    colour_by(stage, "By score")


def map_field(stage: Stage) -> None:
    """The map, coloured by what a field says."""
    open_run(stage, "fields", "Map")
    colour_by(stage, "By camera")


def map_numbers(stage: Stage) -> None:
    """The map, coloured by a number."""
    open_run(stage, "fields", "Map")
    colour_by(stage, "By width")


def map_lit(stage: Stage) -> None:
    """The map with a card's images lit."""
    open_run(stage, tab="Map")
    stage.app.choose(stage.page.get_by_role("combobox").filter(has_text="All images"), "bus (vehicle)")
    stage.page.wait_for_timeout(1500)


def volcano(stage: Stage) -> None:
    """All concepts."""
    open_run(stage, tab="All concepts")


def volcano_clicked(stage: Stage) -> None:
    """A concept that was clicked."""
    open_run(stage, tab="All concepts")
    stage.page.locator(".scatterlayer .point").first.wait_for()
    box = stage.page.locator(".scatterlayer .point").first.bounding_box()
    stage.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    stage.page.wait_for_timeout(2500)


def shown(stage: Stage) -> None:
    """A card's images in the grid."""
    open_run(stage)
    stage.page.get_by_role("button", name=re.compile(r"^Show \d")).first.click()
    stage.page.wait_for_selector("text=The grid shows")


def typical_shown(stage: Stage) -> None:
    """The most typical images in the grid."""
    open_run(stage)
    stage.page.get_by_role("button", name="Show in grid").first.click()
    stage.page.wait_for_selector("text=The grid shows")
