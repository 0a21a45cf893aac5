"""How a comparison, a question, or an answer may come out that is seldom seen: near the level, first, interrupted, failed, a gap closed."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from typing import Any
from unittest import mock

from .forms import choose
from .many import open_kind
from .stage import Stage, State
from .steps import asking, click_icon, open_run


def _flowers(stage: Stage, run: str, wanted: Callable[[Any], bool]) -> None:
    """Compare animals of a day with those of another and as many flowers as it takes; it goes when the pictures are taken."""
    from fiftyone_plugin import compare_views, delete_comparison

    dataset = stage.scenes.dataset
    dataset.reload()
    others = dataset.load_saved_view("tuesday").values("id")
    flowers = dataset.match_tags("tuesday").match({"label": "flower"}).values("id")
    given = {"embeddings": "clip", "vocabulary": stage.scenes.words, "sae": stage.scenes.sae, "run": run, "overwrite": True}
    for count in range(6, 13):
        dataset.save_view("some flowers", dataset.select([*others, *flowers[:count]]), overwrite=True)
        if wanted(compare_views(dataset, "monday", "some flowers", **given).comparison):
            break
    stage.after(lambda: delete_comparison(dataset, run))
    stage.after(lambda: open_run(stage))
    open_run(stage, run)


def borderline(stage: Stage) -> None:
    """A few more images would have turned it."""
    _flowers(stage, "near_the_level", lambda said: said.borderline)


def crowd(stage: Stage) -> None:
    """A card that the crowd of its images carries."""
    _flowers(stage, "a_crowd", lambda said: any(h.p_value == h.crowd_p for h in said.hypotheses))
    click_icon(stage, "More about it")
    stage.after(lambda: click_icon(stage, "Less"))


def ask_failed(stage: Stage) -> None:
    """A question about a comparison that was deleted meanwhile."""
    from fiftyone_plugin import rename_comparison

    dataset = stage.datasets["drawn"]
    asking(stage)
    rename_comparison(dataset, "seasons", "weather")
    stage.after(lambda: rename_comparison(dataset, "weather", "seasons"))
    field = stage.page.get_by_role("textbox").last
    field.fill("snow")
    stage.page.keyboard.press("Enter")
    stage.page.wait_for_timeout(4000)


def interrupted(stage: Stage) -> None:
    """A comparison that was interrupted, and another that is open."""
    from fiftyone_plugin.store import runs

    dataset = stage.scenes.dataset
    dataset.reload()
    runs.set_state(dataset, "first_try", "writing")
    stage.after(lambda: runs.set_state(dataset, "first_try", runs.COMPLETE))
    open_run(stage)
    stage.app.button("Refresh").click()
    stage.page.wait_for_selector("text=was interrupted")


def _first(stage: Stage, going: bool) -> None:
    """A first answer whose final one is stopped; or looks as if this process were making it."""
    from fiftyone_plugin import compare_views, delete_comparison
    from fiftyone_plugin.store import runs, writers
    from latentdiff import Cancelled
    from latentdiff.comparing import first
    from latentdiff.results.comparison import FIRST

    dataset, there = stage.scenes.dataset, list[Any]()
    dataset.reload()

    def progress(fraction: float, label: str) -> None:
        if there:
            raise Cancelled("enough")

    given: dict[str, Any] = {"embeddings": "clip", "vocabulary": str(stage.scenes.words)}
    quick = mock.patch.multiple(first, LEAST=0.0, TIMES=0.0, STEPS=60)
    unkept = mock.patch.dict(os.environ, LATENTDIFF_CACHE=str(stage.folder / "cache"))  # where an SAE is kept, no first answer is needed
    with quick, unkept, contextlib.suppress(Cancelled):
        compare_views(dataset, "monday", "with flowers", **given, run="flowers", progress=progress, first=there.append)
    stage.after(lambda: delete_comparison(dataset, "flowers"))
    stage.after(lambda: open_run(stage))
    if going:
        working = writers.working()
        runs.set_state(dataset, "flowers", runs.COMPLETE, **{FIRST: {"writer": working.__enter__()}})
        stage.after(lambda: working.__exit__(None, None, None))
    open_run(stage, "flowers")


def first_going(stage: Stage) -> None:
    """A first answer, while the final one is being made."""
    _first(stage, going=True)


def first_stopped(stage: Stage) -> None:
    """A first answer whose final one was stopped."""
    _first(stage, going=False)


def gap_closed(stage: Stage) -> None:
    """What is told of images that close a gap, which the grid shows."""
    open_kind(stage, "harbour_vs_old_town")
    stage.app.button("Close the gap").click()

    choose(stage, Pool="The whole dataset")
    stage.page.get_by_role("dialog").get_by_role("button", name="Find", exact=True).click()
    stage.page.wait_for_selector("text=that were chosen to make")
    stage.page.wait_for_selector("[role=dialog]", state="detached")


_ALL = (borderline, crowd, ask_failed, interrupted, first_going, first_stopped, gap_closed)
STATES: dict[str, State] = {f.__name__: f for f in _ALL}
