"""The panel on other kinds of datasets: a slice that the grid does not show, patches, and a view that was deleted since."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import fiftyone as fo
import pytest
from fiftyone_plugin.panels.app.cards import CARDS

from tests.browser.panel_app import App
from tests.browser.scenes import Scenes
from tests.browser.served import save_workspace


def rows(scenes: Scenes) -> Iterator[tuple[str, Any, str]]:
    """File, vector and side of every image of both views."""
    for side in scenes.views:
        view = scenes.dataset.load_saved_view(side)
        for path, vector in zip(*view.values(["filepath", scenes.embeddings]), strict=True):
            yield path, vector, side


def grouped(dataset: Any, scenes: Scenes) -> Any:
    """Each image in two slices; those of the slice that is not active are compared."""
    dataset.add_group_field("group", default="left")
    samples = []
    for path, vector, side in rows(scenes):
        group = fo.Group()
        samples += [fo.Sample(filepath=path, group=group.element(name), clip=vector, tags=[side]) for name in ("left", "right")]
    dataset.add_samples(samples, progress=False)
    for side in scenes.views:
        dataset.save_view(side, dataset.select_group_slices("right").match_tags(side))
    return scenes.compare(dataset, *scenes.views, "kind", "clip")


def in_patches(dataset: Any, scenes: Scenes) -> Any:
    """The middle of each image is the patch that is compared."""
    samples = []
    for path, vector, side in rows(scenes):
        box = fo.Detection(label=side, bounding_box=[0.25, 0.25, 0.5, 0.5], clip=vector)
        samples.append(fo.Sample(filepath=path, things=fo.Detections(detections=[box])))
    dataset.add_samples(samples, progress=False)
    dataset.add_sample_field("things.detections.clip", fo.VectorField)
    for side in scenes.views:
        dataset.save_view(side, dataset.to_patches("things").match(fo.ViewField("things.label") == side))
    return scenes.compare(dataset, *scenes.views, "kind", "things.detections.clip")


@pytest.mark.parametrize(
    ("make", "things", "address"), [(grouped, ("sample", "samples"), "/media?"), (in_patches, ("patch", "patches"), "data:image/jpeg")]
)
def test_a_cards_images_are_shown(app_window: App, panel_scenes: Scenes, datasets: Callable[[], Any], make, things, address) -> None:
    dataset = datasets()
    run = make(dataset, panel_scenes)
    for side in panel_scenes.views:
        dataset.delete_saved_view(side)  # what was compared is known by its images
    save_workspace(dataset)
    app_window.open(dataset.name)
    h = run.top("A", CARDS)[0]
    count = len(run.comparison.rows_showing(h, "A"))
    app_window.button(f"Show {count:,} in {run.sides['A'].name}").click()
    app_window.grid_count(count, *things)
    images = app_window.page.locator('img[alt*=", example "]')
    assert all(address in image.get_attribute("src") for image in images.all())
    app_window.page.wait_for_function("() => [...document.querySelectorAll('img[alt*=\", example \"]')].every(i => i.naturalWidth)")
    app_window.picture(f"29_{things[1]}")
