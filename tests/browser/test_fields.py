"""Fields in the panel: their tab, what a card says of them, "I know this: what else?", taking it back; and groups by a field."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import fiftyone as fo

from fiftyone_plugin import compare_groups, compare_views, list_comparisons, load_comparison
from fiftyone_plugin.store import runs
from latentdiff.report import group_figures
from latentdiff.results.known import known_text
from tests.browser.panel_app import App
from tests.browser.scenes import Scenes
from tests.browser.served import save_workspace

SCROLLS = """() => { for (let box = document.querySelector('.js-plotly-plot'); box; box = box.parentElement)
    if (getComputedStyle(box).overflowX == 'auto' && box.scrollWidth > box.clientWidth + 10) return true }"""


def filled(dataset: Any, scenes: Scenes) -> Any:
    """The scenes with a camera that goes with the side."""
    samples = []
    for side in scenes.views:
        view = scenes.dataset.load_saved_view(side)
        for i, (path, vector) in enumerate(zip(*view.values(["filepath", scenes.embeddings]), strict=True)):
            camera = "wide" if (i % 5 == 0) == (side == scenes.views[0]) else "long"
            site = "north" if i % 3 == 0 else side
            samples.append(fo.Sample(filepath=path, clip=vector, tags=[side], camera=camera, site=site))
    dataset.add_samples(samples, progress=False)
    for side in scenes.views:
        dataset.save_view(side, dataset.match_tags(side))
    given = {"embeddings": "clip", "vocabulary": scenes.words, "sae": scenes.sae}
    run = compare_views(dataset, *scenes.views, **given, fields=["camera"], run="known")
    form = {"view_a": scenes.views[0], "view_b": scenes.views[1], "vocabulary": str(scenes.words), "sae": str(scenes.sae)}
    form |= {"fields": "camera"}
    runs.set_state(dataset, "known", runs.COMPLETE, form=form)  # as the App's own form keeps it
    return run


def test_fields_are_shown_set_aside_and_taken_back(app_window: App, panel_scenes: Scenes, datasets: Callable[[], Any]) -> None:
    dataset = datasets()
    run = filled(dataset, panel_scenes)
    first = run.comparison.top("A", 1)[0]
    known = known_text(first, f"looks like {first.text}" if first.weak else first.text)  # as its card says
    save_workspace(dataset)
    app_window.open(dataset.name)
    app_window.picture("40_cards_and_fields")
    app_window.tab("Fields")
    app_window.page.wait_for_selector("text=camera = long")
    app_window.picture("41_fields")
    app_window.tab("Map")
    app_window.choose(app_window.page.get_by_role("combobox").filter(has_text="By side"), "By camera")
    app_window.page.wait_for_selector(".legend .traces")
    assert sorted(app_window.page.locator(".legend .legendtext").all_text_contents()) == ["long", "wide"]
    app_window.picture("41_map_by_camera")
    app_window.tab("Differences")
    app_window.first_column(panel_scenes.views[0])
    app_window.page.get_by_role("button", name="I know this: what else?").or_(
        app_window.page.locator('[title="I know this: what else?"], [aria-label="I know this: what else?"]')
    ).first.click()
    app_window.page.wait_for_selector("text=Looking past:")
    app_window.picture("42_what_else")
    past = load_comparison(dataset, next(name for name in list_comparisons(dataset) if name.startswith("known_past_")))
    assert past.comparison.info["given"]["names"] == [known]
    assert first.concept not in [h.concept for h in past.comparison.hypotheses]
    app_window.page.locator('[title^="Take it back"], [aria-label^="Take it back"]').first.click()
    app_window.page.wait_for_selector("text=Looking past:", state="detached")
    assert set(list_comparisons(dataset)) == {"known", str(past.name)}
    app_window.picture("43_taken_back")
    groups_by_a_field(app_window, panel_scenes, dataset)


def groups_by_a_field(app_window: App, scenes: Scenes, dataset: Any) -> None:
    """The map of rates, the tree, a group's cards, and the images of a cell."""
    given = {"embeddings": "clip", "vocabulary": scenes.words, "sae": scenes.sae}
    sites = compare_groups(dataset, "site", **given, run="sites")
    app_window.button("Refresh").click()
    app_window.open_comparison("sites")
    plots = app_window.page.locator(".js-plotly-plot")
    plots.nth(1).wait_for()
    name = sites.found.differing[0]
    app_window.first_column(name)
    app_window.picture("44_groups")
    heat = plots.nth(0).locator(".nsewdrag").first.bounding_box()
    found = sites.found
    rows, k = group_figures.rows_of(found), len(found.names)
    row, group = divmod(int(found.rates[rows].argmax()), k)
    at = heat["x"] + (group + 0.5) * heat["width"] / k, heat["y"] + (row + 0.5) * heat["height"] / len(rows)
    app_window.page.mouse.click(*at)
    app_window.grid_count(len(sites.showing(found.names[group], found.rate_texts[rows[row]])))
    app_window.first_column(found.names[group])
    app_window.picture("45_a_cell_of_the_map")
    app_window.page.set_viewport_size({"width": 640, "height": 900})  # cells are as wide as their numbers, and are moved into sight
    app_window.page.wait_for_function("() => document.querySelector('.main-svg').getBoundingClientRect().width < 500")
    app_window.page.wait_for_function(f"() => document.querySelector('.nsewdrag').getBoundingClientRect().width >= {38 * k} - 1")
    app_window.page.wait_for_function(SCROLLS)
    app_window.picture("44_groups_narrow")
    app_window.page.set_viewport_size({"width": 1600, "height": 1000})
