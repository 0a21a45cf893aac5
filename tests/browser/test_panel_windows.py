"""The panel beside other things that happen: themes, narrow windows, other windows, workers, a reload in mid-run, an empty dataset."""

from __future__ import annotations

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import fiftyone as fo
import fiftyone.operators as foo
from fiftyone_plugin.panels.app.cards import board

import latentdiff
from fiftyone_plugin import compare_views, delete_comparison, list_comparisons
from tests import drawn
from tests.browser.panel_app import App
from tests.browser.scenes import Scenes
from tests.browser.served import save_workspace

URI = "@latentdiff/latentdiff"
SPILLS = """() => { const found = []; let panel = document.querySelector('[role=tab]');
    while (!panel.querySelector('[data-cy="panel-container"]')) panel = panel.parentElement;
    const edge = Math.max(innerWidth, document.getElementById('root').getBoundingClientRect().right); // the App is never under 660 wide
    for (const e of panel.querySelectorAll('h5, h6, button, [role=alert], [role=combobox], .js-plotly-plot')) {
        const box = e.getBoundingClientRect();
        if (box.width && box.right > edge + 1) found.push(e.innerText.slice(0, 40) || e.className);
        if (e.scrollWidth > e.clientWidth + 2 && getComputedStyle(e).overflow === 'hidden') found.push('cut: ' + e.innerText.slice(0, 40));
    } return found }"""
"""What reaches beyond the window, or is cut off."""


TABS = {"Differences": 'img[alt*=", example "]', "Images by score": ".barlayer .point", "All concepts": ".scatterlayer .point"}
"""Tabs, and what is there once each has been drawn."""


def spills(window: App) -> list[str]:
    """What reaches beyond the window or is cut off, once plots have followed the window's size."""
    for _ in range(50):
        found: list[str] = window.page.evaluate(SPILLS)
        if not found:
            break
        window.page.wait_for_timeout(200)
    return found


def test_nothing_is_cut_off_from_the_start(browser, app_address, panel_scenes, pictures) -> None:
    """Narrow and light: all other windows begin wide and dark."""
    window = App(browser, app_address, pictures, "light", 640)
    window.open(panel_scenes.dataset.name)
    looks_right(window, "light", 640)
    complaints = window.complaints()
    window.close()
    assert not complaints


def test_nothing_is_cut_off_while_width_and_theme_are_switched(app: App) -> None:
    colours = []
    for theme, width in (("dark", 1280), ("light", 1920)):
        app.page.set_viewport_size({"width": width, "height": 1000})
        looks_right(app, theme, width)
        colours += switch_theme(app, "LightModeIcon" if theme == "dark" else "DarkModeIcon")
    assert colours[0] == colours[-1]
    app.page.set_viewport_size({"width": 1600, "height": 1000})


def looks_right(app: App, theme: str, width: int) -> None:
    """Each tab is drawn to its end, within the window, its columns alike."""
    for tab, seen in TABS.items():
        app.tab(tab)
        app.page.wait_for_selector(seen, state="attached")
        app.page.wait_for_function("() => [...document.querySelectorAll('img[alt*=\", example \"]')].every(i => i.naturalWidth)")
        found = spills(app)
        app.picture(f"20_{theme}_{width}_{tab.lower().replace(' ', '_')}")
        assert found == []
        columns = app.page.evaluate("[...document.querySelectorAll('h5')].map(h => h.getBoundingClientRect().width)")
        assert tab != "Differences" or (len(columns) == 2 and max(columns) - min(columns) < 2)


def switch_theme(app: App, icon: str) -> tuple[str, str]:
    """Click the App's own switch, and wait until the panel's cards have another colour: theirs before and after."""
    app.tab("Differences")
    app.page.wait_for_selector("h6")
    shade = "() => getComputedStyle(document.querySelector('h6')).color"
    before = app.page.evaluate(shade)
    app.page.locator(f"[data-testid={icon}]").first.click()
    app.page.wait_for_function(f"before => ({shade})() !== before", arg=before)
    return before, app.page.evaluate(shade)


def test_two_windows_on_one_dataset(app: App, browser: Any, app_address: str, panel_scenes: Scenes, pictures: Path) -> None:
    dataset, (a, b) = panel_scenes.dataset, panel_scenes.views
    other = App(browser, app_address, pictures)
    other.open(dataset.name)
    other.button("All comparisons").click()
    panel_scenes.compare(dataset, b, a, "shared")
    other.page.get_by_role("button", name="shared", exact=True).wait_for()  # made by the SDK: seen without a click
    app.button("Refresh").click()
    for window in (app, other):
        window.open_comparison("shared")
        window.first_column(b)
    other.listed()
    other.page.get_by_label("Delete", exact=True).first.click()
    other.page.wait_for_selector("text=Deletes the comparison")
    other.page.get_by_role("button", name="Delete", exact=True).last.click()
    other.page.wait_for_selector("text=shared_log_ratio", state="detached")
    app.page.get_by_role("button", name=re.compile(r"^Show \d")).first.click()  # of what the other window has deleted
    app.first_column(a)
    app.picture("22_deleted_elsewhere")
    complaints = other.complaints()
    other.close()
    assert not complaints and "shared" not in list_comparisons(dataset)


def test_a_delegated_comparison_finishes_while_the_panel_is_open(app: App, panel_scenes: Scenes) -> None:
    from fiftyone.operators.delegated import DelegatedOperationService

    dataset, (a, b) = panel_scenes.dataset, panel_scenes.views
    files = {"vocabulary": str(panel_scenes.words), "sae": str(panel_scenes.sae)}
    params = {"view_a": a, "view_b": b, "embeddings": panel_scenes.embeddings, **files, "run": "by_worker"}
    foo.execute_operator(f"{URI}/compare_views", {"dataset": dataset, "params": params}, request_delegation=True)
    app.button("Refresh").click()
    app.page.wait_for_selector("text=by_worker waits for a worker")
    app.picture("23_delegated")
    with ThreadPoolExecutor(1) as worker:  # as a worker is: not in this thread, where Playwright's event loop runs
        work = worker.submit(DelegatedOperationService().execute_queued_operations, dataset_name=dataset.name)
        while not work.done():
            app.page.wait_for_timeout(200)
        work.result()
    app.page.wait_for_selector("text=by_worker waits for a worker", state="detached")
    app.open_comparison("by_worker")
    app.page.wait_for_selector("text=by_worker_log_ratio")
    app.picture("24_delegated_done")
    app.open_comparison("second_try")  # as the App was found: what is deleted is not what is open
    app.opened("second_try")
    dataset.reload()
    delete_comparison(dataset, "by_worker")


def test_a_reload_in_mid_run_leaves_no_half(app: App, panel_scenes: Scenes) -> None:
    dataset = panel_scenes.dataset
    app.button("Compare two views").click()
    boxes = app.page.get_by_role("dialog").get_by_role("combobox")
    boxes.nth(3).wait_for()
    for i, view in enumerate(panel_scenes.views):
        app.choose(boxes.nth(i), f"Saved view: {view}")
    name = app.page.get_by_role("dialog").get_by_role("textbox").last
    name.fill("reloaded")
    app.page.get_by_role("button", name="Compare", exact=True).click()
    app.page.wait_for_selector("[role=progressbar]")
    app.picture("25_progress")
    app.page.reload()
    app.page.wait_for_selector("text=More in")
    app.picture("26_after_reload")
    app.errors.clear()  # the reload broke the answer's stream off: the browser says so
    dataset.reload()
    halves = [run for run in list_comparisons(dataset) if run == "reloaded"]
    if halves and halves[0].complete:
        delete_comparison(dataset, "reloaded")
    else:  # it is told to stop at its next step, and takes back what it wrote
        for _ in range(600):
            if "reloaded" not in list_comparisons(dataset):
                break
            app.page.wait_for_timeout(200)
            if list_comparisons(dataset)[0] == "reloaded" and list_comparisons(dataset)[0].complete:
                delete_comparison(dataset, "reloaded")
    assert "reloaded" not in list_comparisons(dataset)
    dataset.reload()
    assert not dataset.has_field("reloaded_log_ratio")


def test_a_dataset_without_vectors_says_what_to_do(app_window: App, panel_scenes: Scenes, datasets: Callable[[], Any]) -> None:
    empty = datasets()
    empty.add_samples([fo.Sample(filepath=path) for path in panel_scenes.dataset.limit(5).values("filepath")], progress=False)
    save_workspace(empty)
    app_window.open(empty.name, "this dataset has none yet")
    app_window.picture("27_empty")
    app_window.button("Compute embeddings").click()
    app_window.page.wait_for_selector("text=Field that gets one vector per image")
    app_window.page.keyboard.press("Escape")


def test_first_cards_are_seen_also_where_there_are_many_notes(app_window: App, datasets: Callable[[], Any], tmp_path: Path) -> None:
    """Images on both sides, without a vector, and with the vector of another one, and a field that cannot be tested: at 1280 x 800."""
    from latentdiff import demo
    from latentdiff.embed.encoder import load_encoder

    dataset = datasets()
    drawn.fill(dataset, tmp_path, 40, snowy=0.8)
    vectors = dataset.values("demo_clip")
    dataset.set_values("demo_clip", [vectors[1], *vectors[1:60], None, *vectors[61:]])
    dataset.set_values("note", [f"sample {i}" for i in range(len(dataset))])
    for view in ("winter", "summer"):
        both = [*dataset.load_saved_view(view).values("id"), dataset.skip(5).first().id, dataset.skip(45).first().id]
        dataset.save_view(f"{view} and more", dataset.select(both))
    words = load_encoder("demo").encode_texts(demo.words())
    options: dict[str, Any] = {"vocabulary": latentdiff.Vocabulary(demo.words(), words), "sae": demo.load_sae(), "fields": "all"}
    options["config"] = latentdiff.CompareConfig(skip_bad=True)
    run = compare_views(dataset, "winter and more", "summer and more", embeddings="demo_clip", run="noted", **options)
    count = len(board(run)["notes"])  # what stands elsewhere in the panel is no note
    assert count >= 4 and run.hypotheses
    save_workspace(dataset)
    app_window.page.set_viewport_size({"width": 1280, "height": 800})
    app_window.open(dataset.name, "winter and more and summer and more differ")
    first = app_window.page.locator('img[alt*=", example "]').first
    first.wait_for()
    app_window.picture("29_many_notes")
    head, picture = app_window.page.locator("h6").first.bounding_box(), first.bounding_box()
    assert head and picture and head["y"] + head["height"] < 800 and picture["y"] + picture["height"] < 800
    assert not app_window.page.get_by_text("on both sides left out").count()
    app_window.button(f"{count} notes").click()
    app_window.page.get_by_text("2 images on both sides left out").wait_for()
    app_window.button(f"{count} notes").click()
    app_window.page.get_by_text("on both sides left out").wait_for(state="detached")
    app_window.page.set_viewport_size({"width": 1600, "height": 1000})


def test_a_question_is_answered(app_window: App, datasets: Callable[[], Any], tmp_path: Path) -> None:
    """On drawn scenes, whose small encoder comes with the package."""
    from fiftyone_plugin.asking import ask
    from latentdiff import demo
    from latentdiff.embed.encoder import load_encoder

    dataset = datasets()
    drawn.fill(dataset, tmp_path, 40, snowy=0.6)
    vocabulary = latentdiff.Vocabulary(demo.words(), load_encoder("demo").encode_texts(demo.words()))
    run = compare_views(dataset, "winter", "summer", embeddings="demo_clip", vocabulary=vocabulary, sae=demo.load_sae(), run="seasons")
    save_workspace(dataset)
    app_window.open(dataset.name, "winter and summer differ")
    app_window.tab("Ask")
    app_window.page.wait_for_selector("text=Type a phrase")
    app_window.page.get_by_role("textbox").last.fill("snow")
    app_window.page.keyboard.press("Enter")
    answer = ask(run, "snow")
    app_window.page.wait_for_selector(f"text=AUROC {answer.found.auroc:.2f}")
    count = len(answer.ids["A"])
    app_window.button(f"Show the {count} best in winter").click()
    app_window.grid_count(count)
    app_window.picture("28_question")
