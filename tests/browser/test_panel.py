"""The panel in the real App, as people use it: read, see the images, filter by score, save, tag, copy, compare, rename, delete."""

from __future__ import annotations

import contextlib
import html
import json
import re
import time
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from fiftyone_plugin.panels.app.cards import CARDS
from fiftyone_plugin.panels.app.figures import volcano

from fiftyone_plugin import delete_comparison, export_report, list_comparisons, load_comparison
from latentdiff import kept_saes
from latentdiff.report import p_text, percent, title, verdict
from tests.browser.panel_app import App
from tests.browser.scenes import Scenes

RED = """[...document.querySelectorAll('[role=dialog] p')].filter(p => {
    const [red, green, blue] = getComputedStyle(p).color.match(/\\d+/g).map(Number); return red > green + 60 && red > blue + 60
}).map(p => p.innerText)"""
CANCEL = """window.cancelled = new Promise(done => { const look = setInterval(() => {
    const button = document.querySelector('[data-cy=operators-prompt-view-modal] .MuiDialogContent-root button');
    if (button) { clearInterval(look); button.click(); done() } }, 20) }); 0"""
"""A comparison of few images may be done before Playwright has found the button."""


def cards(app: App) -> list[dict[str, Any]]:
    """What each card shows: its phrase, its lines, and the files of its thumbnails, once they are loaded."""
    loaded = "() => { const all = [...document.querySelectorAll('img[alt*=\", example \"]')];"
    loaded += " return all.length && all.every(i => i.naturalWidth) }"
    app.page.wait_for_function(loaded)
    script = """() => [...document.querySelectorAll('h6')].map(h => {
        let box = h; while (box && !box.querySelector('button')) box = box.parentElement;
        return {title: h.innerText, lines: box.innerText.split('\\n').filter(t => t.trim()),
                files: [...box.querySelectorAll('img')].map(i => new URL(i.src).searchParams.get('filepath'))} })"""
    return app.page.evaluate(script)


def test_every_card_says_what_the_comparison_says(app: App, panel_scenes: Scenes) -> None:
    run = panel_scenes.runs["second_try"]
    names = {side: run.sides[side].name for side in "AB"}
    body = app.page.evaluate("document.body.innerText")
    assert verdict(run.comparison, names["A"], names["B"]) in body  # the newest run opens
    seen = cards(app)
    app.picture("01_differences")
    wanted = [h for side in "AB" for h in run.top(side, 6)]
    assert [card["title"] for card in seen] == [f"looks like {h.text}" if h.weak else h.text for h in wanted]
    for card, h in zip(seen, wanted, strict=True):
        own, other = h.side, "B" if h.side == "A" else "A"
        rate = {"A": h.rate_a, "B": h.rate_b}
        count = {side: len(run.comparison.rows_showing(h, side)) for side in "AB"}
        expected = [f"{percent(rate[side])} of {names[side]}" for side in (own, other)]
        expected += [f"Show {count[own]:,} in {names[own]}", p_text(h.q_value, "q")]
        counter = f"{count[other]:,} counter-example{'' if count[other] == 1 else 's'} in {names[other]}"
        expected += [counter if count[other] else f"No image of {names[other]} shows it"]
        expected += [f"AUROC {h.auroc:.2f}", "concept" if h.source == "sae" else "typical images"]
        expected += ["name is a guess" if h.weak else "name fits"]
        assert set(expected) <= set(card["lines"]), (expected, card["lines"])
        paths = dict(zip(*run.sides[own].dataset.select(run.exemplars(h)).values(["id", "filepath"]), strict=True))
        assert [unquote(f) for f in card["files"]] == [paths[i] for i in run.exemplars(h)[:5]]


def test_show_counter_examples_and_copy(app: App, panel_scenes: Scenes) -> None:
    run = panel_scenes.runs["second_try"]
    h = next(h for h in run.top("A", CARDS) if len(run.comparison.rows_showing(h, "B")))
    name = {side: run.sides[side].name for side in "AB"}
    own, other = (len(run.comparison.rows_showing(h, side)) for side in "AB")
    app.button(f"Show {own:,} in {name['A']}").click()
    app.grid_count(own)
    app.picture("02_shown")
    app.button(f"{other:,} counter-example").click()
    app.grid_count(other)
    app.page.get_by_label("Copy as text").first.click()
    app.page.wait_for_selector("[aria-label=Copied]")
    first = run.top("A", CARDS)[0]
    copied = app.page.evaluate("navigator.clipboard.readText()")
    assert title(first) in copied and f"{percent(first.rate_a)} of {name['A']}" in copied


def test_a_cards_detail_and_a_tooltip(app: App, panel_scenes: Scenes) -> None:
    h = panel_scenes.runs["second_try"].top("A", CARDS)[0]
    app.page.get_by_label("More about it").first.click()
    app.page.wait_for_selector(f"text={h.auroc:.3f}")
    app.page.get_by_text(p_text(h.q_value, "q"), exact=True).first.hover()
    app.page.wait_for_selector("[role=tooltip] >> text=false alarms")
    app.picture("03_detail")


def test_the_open_comparison_is_exported(app: App, panel_scenes: Scenes, tmp_path: Path) -> None:
    run = panel_scenes.runs["second_try"]
    app.button("Export a report").click()
    where = app.page.get_by_role("dialog").get_by_role("combobox").nth(2)
    where.wait_for()
    app.choose(where, "Into a folder of the App's server")
    folder = app.page.get_by_role("dialog").get_by_role("textbox").last
    folder.fill("/no/such/folder")
    app.page.wait_for_selector("text=There is no folder")
    folder.fill("")
    app.choose(where, "Download it")
    app.page.wait_for_selector("text=There is no folder", state="detached")
    app.picture("03_export")
    with app.page.expect_download() as download:
        app.page.get_by_role("button", name="Export", exact=True).click()
    download.value.save_as(tmp_path / "downloaded.html")
    written = export_report(panel_scenes.dataset, "second_try", tmp_path / "second_try.html")
    assert (tmp_path / "downloaded.html").read_bytes() == written.read_bytes()
    said = (tmp_path / "downloaded.html").read_text(encoding="utf8")
    assert verdict(run.comparison, *panel_scenes.views) in html.unescape(said)


def between(app: App, panel_scenes: Scenes) -> tuple[int, int]:
    """Least and most images that the grid may show: what the panel says of the range is rounded to hundredths."""
    said = app.page.get_by_text("The grid shows the images with a score from").inner_text()
    low, high = (float(number) for number in re.findall(r"-?\d+\.\d+", said))
    comparison = panel_scenes.runs["second_try"].comparison
    scores = [*comparison.log_ratio_a.tolist(), *comparison.log_ratio_b.tolist()]
    return sum(low + 0.005 <= s <= high - 0.005 for s in scores), sum(low - 0.005 <= s <= high + 0.005 for s in scores)


def test_brush_and_slider_filter_by_score(app: App, panel_scenes: Scenes) -> None:
    from playwright.sync_api import TimeoutError

    total = len(panel_scenes.dataset)
    app.tab("Images by score")
    plot = app.page.locator(".js-plotly-plot .nsewdrag").first
    plot.wait_for()
    app.page.wait_for_selector(".barlayer .point", state="attached")
    box = plot.bounding_box()

    def brush() -> None:
        app.page.mouse.move(box["x"] + 0.6 * box["width"], box["y"] + 30)
        app.page.mouse.down()
        app.page.mouse.move(box["x"] + box["width"] - 2, box["y"] + 90, steps=10)
        app.page.mouse.up()

    brushed = app.grid_changes(brush)
    app.page.wait_for_selector("text=The grid shows the images with a score from")
    app.picture("04_brushed")
    assert 0 < brushed < total
    least, most = between(app, panel_scenes)
    assert least <= brushed <= most
    app.page.get_by_role("button", name="Show all").click()
    app.grid_count(total)
    app.page.get_by_text("The grid shows the images with a score from").wait_for(state="hidden")

    filtered = app.page.get_by_text("The grid shows the images with a score from")

    def slide() -> None:
        """Drag until it took: a panel that is drawn again in mid-drag drops the thumb."""
        for _ in range(3):
            drag()
            with contextlib.suppress(TimeoutError):
                return filtered.wait_for(timeout=10_000)

    def drag() -> None:
        rail, thumb = app.settled(".MuiSlider-root"), app.settled(".MuiSlider-thumb[data-index='0']")
        app.page.mouse.move(thumb["x"] + thumb["width"] / 2, thumb["y"] + thumb["height"] / 2)
        app.page.mouse.down()
        app.page.mouse.move(rail["x"] + 0.7 * rail["width"], thumb["y"] + thumb["height"] / 2, steps=10)
        app.page.mouse.up()

    slid = app.grid_changes(slide)
    app.picture("05_slider")
    least, most = between(app, panel_scenes)
    assert least <= slid <= most
    app.page.get_by_role("button", name="Show all").click()
    app.grid_count(total)


def test_a_lasso_on_the_map_sets_the_grid(app: App, panel_scenes: Scenes) -> None:
    app.tab("Map")
    app.page.wait_for_selector(".scatterlayer .point", state="attached")
    assert app.page.locator(".scatterlayer .point").count() == len(panel_scenes.dataset)
    box = app.settled(".js-plotly-plot .nsewdrag")

    def draw() -> None:
        corners = [(0.1, 0.1), (0.5, 0.1), (0.5, 0.9), (0.1, 0.9), (0.1, 0.1)]
        at = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in corners]
        app.page.mouse.move(*at[0])
        app.page.mouse.down()
        for x, y in at[1:]:
            app.page.mouse.move(x, y, steps=8)
        app.page.mouse.up()

    count = app.grid_changes(draw)
    assert 0 < count < len(panel_scenes.dataset)
    app.page.wait_for_selector(f"text=The grid shows {count:,} image")
    app.picture("06_map")
    app.button("Show all").click()
    app.grid_count(len(panel_scenes.dataset))


def test_plots_draw_the_open_comparison_alone(app: App, panel_scenes: Scenes) -> None:
    """Of a smaller comparison, after a larger one: the App would leave the further points of the larger where they were."""
    dataset, (a, b) = panel_scenes.dataset, panel_scenes.views
    few = panel_scenes.compare(dataset, dataset.match_tags(a).limit(40), dataset.match_tags(b).limit(30), "few")
    drawn = "count => document.querySelectorAll('.scatterlayer .point').length === count"
    app.tab("Map")
    app.page.wait_for_function(drawn, arg=len(dataset))
    app.choose(app.page.get_by_role("combobox").filter(has_text="By side"), "By score")
    app.button("Refresh").click()
    app.open_comparison("few")
    app.page.wait_for_function(drawn, arg=70)
    assert app.page.get_by_role("combobox").filter(has_text="By side").count() == 1  # as it is drawn
    app.tab("All concepts")
    app.page.wait_for_function(drawn, arg=len(volcano(few)[0]["x"]))
    app.tab("Differences")
    app.open_comparison("second_try")  # as the App was found: what is deleted is not what is open
    app.first_column(a)
    delete_comparison(dataset, "few")


def test_a_point_of_the_volcano_plot_shows_its_images(app: App, panel_scenes: Scenes) -> None:
    run = panel_scenes.runs["second_try"]
    concepts = volcano(run)[0]["ids"]
    h = next(h for h in run.candidates if h.concept is not None)
    app.tab("All concepts")
    app.page.wait_for_selector("text=Every concept that was tested")  # until then the points are another plot's
    points = app.page.locator(".scatterlayer .point")
    points.first.wait_for()
    box = points.nth(concepts.index(str(h.concept))).bounding_box()
    app.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    app.page.wait_for_selector("text=The grid shows its images")
    said = app.page.evaluate("document.body.innerText")
    clicked = [c for c in run.candidates if c.concept is not None and f"{c.text}: {percent(c.fires_a)} of" in said]
    assert clicked
    app.grid_count(len(run.comparison.rows_showing(clicked[0], clicked[0].side)))
    app.picture("06_volcano")


def test_save_as_view_and_tag(app: App, panel_scenes: Scenes) -> None:
    run = panel_scenes.runs["second_try"]
    h = run.top("A", CARDS)[0]
    count = len(run.comparison.rows_showing(h, "A"))
    app.page.get_by_label("Save these images as a view").first.click()
    name = app.page.get_by_role("dialog").get_by_role("textbox").last
    name.fill("")
    name.fill(panel_scenes.views[0])
    app.page.wait_for_selector("text=already; choose another name")
    app.picture("07_name_taken")
    name.fill("kept by hand")
    app.page.wait_for_selector("text=already; choose another name", state="detached")
    app.page.get_by_role("button", name="Save", exact=True).click()
    app.page.wait_for_selector(f"text=Saved {count:,} images")
    panel_scenes.dataset.reload()
    assert set(panel_scenes.dataset.load_saved_view("kept by hand").values("id")) == set(run.ids(h, "A"))
    app.page.locator("text=Unsaved view").first.click()
    app.page.wait_for_selector("text=kept by hand")
    app.picture("08_saved_view")
    app.page.locator("[id='menu-'] .MuiBackdrop-root").click()
    app.page.wait_for_selector("[id='menu-']", state="detached")
    app.page.get_by_label("Tag these images").first.click()
    app.page.get_by_role("dialog").get_by_role("textbox").last.fill("look twice")
    app.page.get_by_role("button", name="Tag", exact=True).click()
    app.page.wait_for_selector(f"text={count:,} images carry the tag")
    panel_scenes.dataset.reload()
    assert set(panel_scenes.dataset.match_tags("look twice").values("id")) == set(run.ids(h, "A"))


FIRST_LISTED = "name => [...document.querySelectorAll('button')].map(b => b.innerText).find(t => t.endsWith('_try')) === name"


def _asked(request: Any) -> str | None:
    """The panel's method that a request calls; of one that comes by itself, and of FiftyOne's own, None."""
    if not request.url.endswith("/operators/execute") or "latentdiff_panel" not in (request.post_data or ""):
        return None
    method = json.loads(request.post_data)["params"].get("__method__")
    return None if method in ("look", "regrid") else method


def test_a_click_asks_the_panel_once(app: App) -> None:
    """A drop-down that is drawn, or is given its value, asks for nothing: only one that a user has changed."""
    calls: list[str] = []
    expected: list[str] = []

    def note(request: Any) -> None:
        calls.extend(filter(None, [_asked(request)]))

    def asks(act: Any, wanted: str) -> None:
        """Once it is answered, and a moment later: the App waits a quarter of a second before it tells what it has seen to change."""
        expected.append(wanted)
        with app.page.expect_request_finished(lambda request: _asked(request) == wanted):
            act()
        app.page.wait_for_timeout(600)
        assert calls == expected

    def chosen(text: str) -> Any:
        return app.page.get_by_role("combobox").filter(has_text=text)

    app.page.on("request", note)
    asks(lambda: app.button("All comparisons").click(), "list_runs")
    asks(lambda: app.choose(chosen("Newest first"), "By name"), "list_order")
    app.page.wait_for_function(FIRST_LISTED, arg="first_try")
    asks(lambda: app.choose(chosen("By name"), "Newest first"), "list_order")
    app.page.wait_for_function(FIRST_LISTED, arg="second_try")  # or the click would meet the row that lies there
    asks(lambda: app.page.get_by_role("button", name="first_try", exact=True).click(), "open_run")
    app.opened("first_try")
    asks(lambda: app.open_comparison("second_try"), "on_change_run")
    asks(lambda: app.button("Hide the list").click(), "list_runs")
    asks(lambda: app.button("Sort, filter or search the differences").click(), "arrange")
    asks(lambda: app.choose(chosen("Best first"), "Not judged yet first"), "order")
    app.page.get_by_text("Not judged yet:").first.wait_for()
    app.picture("14_grouped_cards")
    asks(lambda: app.choose(chosen("Not judged yet first"), "Best first"), "order")
    asks(lambda: app.button("Sort, filter or search the differences").click(), "arrange")
    asks(lambda: app.tab("Map"), "on_change_tab")
    asks(lambda: app.choose(chosen("By side"), "By score"), "map_colour")
    asks(lambda: app.tab("Differences"), "on_change_tab")
    app.page.wait_for_timeout(3000)  # what comes late where the browser is slow
    assert calls == expected
    app.page.remove_listener("request", note)


def _fill_form(app: App, panel_scenes: Scenes, name: str) -> None:
    app.button("Compare two views").click()
    boxes = app.page.get_by_role("dialog").get_by_role("combobox")
    boxes.nth(3).wait_for()
    app.page.wait_for_selector("text=Required property")
    assert app.page.evaluate(RED) == []  # nobody has touched anything
    app.choose(boxes.nth(0), f"Saved view: {panel_scenes.views[0]}")
    app.choose(boxes.nth(1), "Everything else")
    app.unfold(boxes.nth(1), "Images by a field …")
    assert not app.page.get_by_role("option", name=f"Saved view: {panel_scenes.views[0]}", exact=True).count()  # A has it
    app.picture("09_sides")
    app.choose(boxes.nth(1), f"Saved view: {panel_scenes.views[1]}")
    app.choose(boxes.nth(3), "A file of words")
    texts = app.page.get_by_role("dialog").get_by_role("textbox")
    texts.nth(2).wait_for()
    texts.nth(0).fill("/nowhere.npz")
    app.page.wait_for_selector("text=There is no file /nowhere.npz")
    texts.nth(0).fill(str(panel_scenes.words))
    app.page.wait_for_selector("text=There is no file", state="detached")
    texts.nth(2).fill("no name")  # after what is known already
    app.page.wait_for_selector("text=name is letters, digits")
    texts.nth(2).fill(name)
    app.page.wait_for_selector("text=name is letters, digits", state="detached")
    app.picture("10_form")


def _cancel(app: App, dataset: Any) -> None:
    """Compare the same images again, and cancel it as soon as there is a bar; what was done by then is deleted, and tried again."""
    before = list_comparisons(dataset)
    for _ in range(5):
        for kept in kept_saes():
            kept.drop()  # so that an SAE is trained once more
        app.page.get_by_role("button", name="Compare these images again").first.click()
        compare = app.page.get_by_role("button", name="Compare", exact=True)
        compare.wait_for()
        app.page.evaluate(CANCEL)
        compare.click()
        app.page.evaluate("window.cancelled")
        app.page.wait_for_selector("[role=dialog]", state="detached")
        dataset.reload()
        now = list_comparisons(dataset)
        while not all(run.complete for run in now):  # it is written to its end, or taken back
            time.sleep(0.1)
            now = list_comparisons(dataset)
        if len(now) == len(before):
            return
        delete_comparison(dataset, next(run for run in now if run not in before))
        app.button("Refresh").click()
        app.opened(before[0])
        app.listed()
    raise AssertionError("five comparisons in a row were done before they were cancelled")


def _delete(app: App, run: str) -> None:
    app.page.get_by_label("Delete", exact=True).first.click()
    app.page.wait_for_selector("text=Deletes the comparison")
    app.page.get_by_role("button", name="Delete", exact=True).last.click()
    app.page.wait_for_selector(f"text={run}_log_ratio", state="detached")
    app.page.wait_for_function("run => !document.body.innerText.includes(run)", arg=run)


GROUP_OF = """path => {
  const rows = [...document.querySelectorAll('[data-cy="sidebar-column"] [data-cy]')].map(e => e.dataset.cy)
  const heads = rows.slice(0, rows.indexOf(path + '-field')).filter(cy => /^sidebar-group-.*-field$/.test(cy))
  return rows.includes(path + '-field') ? heads.pop() : null
}"""
"""The head of the sidebar's group that a field lies in."""


def _in_group(app: App, run: str) -> None:
    """Wait until a new comparison's fields lie in the group of comparisons; the page is not loaded anew for it."""
    for kind in ("log_ratio", "concepts"):
        app.page.wait_for_function(f"path => ({GROUP_OF})(path) === 'sidebar-group-comparisons-field'", arg=f"{run}_{kind}")


def test_compare_rename_and_delete(app: App, panel_scenes: Scenes) -> None:
    _fill_form(app, panel_scenes, "by_hand")
    app.page.get_by_role("button", name="Compare", exact=True).click()
    app.page.wait_for_selector("text=by_hand_log_ratio")  # in the sidebar
    panel_scenes.dataset.reload()
    stored = load_comparison(panel_scenes.dataset, "by_hand")
    app.opened("by_hand")
    app.page.wait_for_selector("[role=dialog]", state="detached")
    _in_group(app, "by_hand")
    said = verdict(stored.comparison, *panel_scenes.views)
    assert app.page.evaluate("said => document.body.innerText.split(said).length - 1", said) == 1
    app.picture("11_compared")
    assert [h.text for h in stored.hypotheses] == [h.text for h in panel_scenes.runs["second_try"].hypotheses]
    assert {card["title"].removeprefix("looks like ") for card in cards(app)} == {h.text for s in "AB" for h in stored.top(s, 6)}

    app.button("All comparisons").click()
    _cancel(app, panel_scenes.dataset)
    app.opened("by_hand")
    app.page.get_by_label("Rename", exact=True).first.click()
    app.page.get_by_role("dialog").get_by_role("textbox").last.fill("another_name")
    app.page.get_by_role("button", name="Rename", exact=True).last.click()
    app.page.wait_for_selector("text=another_name_log_ratio")
    app.page.wait_for_selector("text=by_hand_log_ratio", state="detached")
    _in_group(app, "another_name")
    app.picture("12_renamed")
    _delete(app, "another_name")
    app.picture("13_deleted")
    panel_scenes.dataset.reload()
    assert "another_name" not in list_comparisons(panel_scenes.dataset) and not panel_scenes.dataset.has_field("another_name_concepts")
