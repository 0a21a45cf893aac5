"""More than one comparison: a list of them, two beside each other, groups and months; real photographs of known labels."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import numpy as np

from tests.browser.scenes import Scenes
from tests.browser.served import save_workspace

from .photos import DATA, break_comparison
from .stage import Stage, State

NAME = "journeys"
"""The dataset's."""
SITES = ("north gate", "harbour", "old town")
SHOWN = {"north gate": ("elephant", "horse"), "harbour": ("beach", "building"), "old town": ("bus", "building")}
"""What each site sees beside food."""


def build(scenes: Scenes) -> Any:
    """Photographs of three sites over six months; from the fourth on one in four shows flowers. Compared in all ways."""
    import fiftyone as fo

    from fiftyone_plugin import compare_groups, compare_views, judge_finding

    labels = [entry["label"] for entry in json.loads((DATA / "labels.json").read_text())]
    vectors = np.load(DATA / "clip_vit_b_32_images.npy")
    rng = np.random.default_rng(0)
    left = {label: list(rng.permutation([i for i, one in enumerate(labels) if one == label])) for label in sorted(set(labels))}
    dataset = fo.Dataset(NAME, persistent=True)
    samples = []
    for month in range(1, 7):
        for site in SITES:
            for k in range(18):
                flower = month > 3 and k % 4 == 0
                label = "flower" if flower else "food" if k % 3 == 2 else SHOWN[site][k % 2]
                if not left[label]:
                    continue
                i = int(left[label].pop())
                given = {"site": site, "taken": datetime(2026, month, 1 + k), "label": fo.Classification(label=label), "score": float(k)}
                given |= {"caption": f"a photograph of {label}", "camera": ("long", "wide")[k % 2]}
                samples.append(fo.Sample(filepath=str((DATA / "photos" / f"{i}.jpg").resolve()), clip=vectors[i], tags=[site], **given))
    dataset.add_samples(samples, progress=False)
    for site in SITES:
        dataset.save_view(site, dataset.match_tags(site))
    dataset.save_view("spring", dataset.match(fo.ViewField("taken") < datetime(2026, 4, 1)))
    dataset.save_view("summer", dataset.match(fo.ViewField("taken") >= datetime(2026, 4, 1)))
    given = {"embeddings": "clip", "vocabulary": scenes.words, "sae": scenes.sae}
    compare_groups(dataset, "site", **given, run="by_site")
    compare_groups(dataset, "taken", **given, bins="month", run="by_month")
    compare_views(dataset, "harbour", "old town", **given, run="harbour_vs_old_town")
    compare_views(dataset, "harbour", "north gate", **given, run="harbour_vs_north_gate", fields=["camera", "label"])
    compare_views(dataset, "spring", "summer", **given, run="spring_vs_summer")
    broken = compare_views(dataset, "spring", "summer", embeddings="clip", sae=scenes.sae, run="broken_one")
    for rank, said in enumerate(({"state": "accepted"}, {"state": "rejected"}, {"note": "look again in June"})):
        judge_finding(dataset, "harbour_vs_old_town", rank, **said)
    break_comparison(dataset, str(broken.name))
    save_workspace(dataset)
    return dataset


def open_kind(stage: Stage, run: str, wait: str = "More in") -> None:
    stage.page.goto("about:blank")
    stage.app.open(NAME, "LatentDiff")
    stage.page.wait_for_timeout(2000)
    if stage.app.comparisons().inner_text().strip() != run:
        stage.app.open_comparison(run)
    stage.app.opened(run)
    stage.page.wait_for_selector(f"text={wait}")
    stage.page.wait_for_timeout(1500)


def broken(stage: Stage) -> None:
    """A comparison of which a part is missing."""
    open_kind(stage, "broken_one", "This comparison cannot be opened")


def listed(stage: Stage) -> None:
    """All comparisons."""
    open_kind(stage, "spring_vs_summer")
    stage.app.listed()


def _found(stage: Stage, text: str) -> None:
    listed(stage)
    stage.page.locator("xpath=//*[normalize-space(text())='With the words']/following::input[1]").first.fill(text)
    stage.app.button("Find").click()
    stage.page.wait_for_timeout(2500)


def list_found(stage: Stage) -> None:
    """Those of which something is said by these words."""
    _found(stage, "bus")


def list_none(stage: Stage) -> None:
    """No comparison has these words."""
    _found(stage, "submarine")


def list_sorted(stage: Stage) -> None:
    """By another order."""
    listed(stage)
    stage.app.choose(stage.page.get_by_role("combobox").filter(has_text="Newest first"), "Most to judge first")
    stage.page.wait_for_timeout(2000)


def _beside(stage: Stage, run: str, other: str) -> None:
    open_kind(stage, run)
    stage.app.listed()
    row = stage.page.get_by_role("button", name=other, exact=True).last.locator("xpath=ancestor::*[.//*[@aria-label='Rename']][1]")
    row.get_by_label("What became of its differences").first.click()
    stage.page.wait_for_timeout(2500)


def beside(stage: Stage) -> None:
    """What became of one comparison's differences in another."""
    _beside(stage, "harbour_vs_north_gate", "harbour_vs_old_town")


def groups(stage: Stage) -> None:
    """Three sites."""
    open_kind(stage, "by_site")


def months(stage: Stage) -> None:
    """Six months, and what changes."""
    open_kind(stage, "by_month")


def group_notes(stage: Stage) -> None:
    """What is to be known of groups, unfolded; another group open."""
    open_kind(stage, "by_site")
    if stage.page.get_by_role("button", name="note").count():
        stage.page.get_by_role("button", name="note").first.click()
    stage.app.choose(stage.page.get_by_role("combobox").filter(has_text="differs").first, "old town: differs")
    stage.page.wait_for_timeout(2500)


_ALL = (groups, group_notes, months, listed, list_found, list_none, list_sorted, beside, broken)
STATES: dict[str, State] = {f.__name__: f for f in _ALL}
