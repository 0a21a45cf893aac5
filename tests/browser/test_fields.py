"""Fields in the panel: their tab, what a card says of them, "I know this: what else?", and taking it back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import fiftyone as fo

from fiftyone_plugin import compare_views, list_comparisons, load_comparison
from fiftyone_plugin.store import runs
from tests.browser.panel_app import App, Scenes, save_workspace


def filled(dataset: Any, scenes: Scenes) -> Any:
    """The scenes with a camera that goes with the side."""
    samples = []
    for side in scenes.views:
        view = scenes.dataset.load_saved_view(side)
        for i, (path, vector) in enumerate(zip(*view.values(["filepath", scenes.embeddings]), strict=True)):
            camera = "wide" if (i % 5 == 0) == (side == scenes.views[0]) else "long"
            samples.append(fo.Sample(filepath=path, clip=vector, tags=[side], camera=camera))
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
    known = f"concept {first.concept}" if first.weak else first.text  # a guessed name is not what differs
    save_workspace(dataset)
    app_window.open(dataset.name)
    app_window.picture("40_cards_and_fields")
    app_window.tab("Fields")
    app_window.page.wait_for_selector("text=camera = long")
    app_window.picture("41_fields")
    app_window.tab("Differences")
    app_window.first_column(panel_scenes.views[0])
    app_window.page.get_by_role("button", name="I know this: what else?").or_(
        app_window.page.locator('[title="I know this: what else?"], [aria-label="I know this: what else?"]')
    ).first.click()
    app_window.page.wait_for_selector("text=Looking past:")
    app_window.page.get_by_role("button", name="Done").click()  # the App's own bar, which a second comparison has too
    app_window.picture("42_what_else")
    past = load_comparison(dataset, next(name for name in list_comparisons(dataset) if name.startswith("known_past_")))
    assert past.comparison.info["given"]["names"] == [known]
    assert first.concept not in [h.concept for h in past.comparison.hypotheses]
    app_window.page.locator('[title^="Take it back"], [aria-label^="Take it back"]').first.click()
    app_window.page.wait_for_selector("text=Looking past:", state="detached")
    assert set(list_comparisons(dataset)) == {"known", str(past.name)}
    app_window.picture("43_taken_back")
