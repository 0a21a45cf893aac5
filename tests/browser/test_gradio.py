"""The Gradio page as people use it, in headless Chromium, on drawn scenes: every way in, what it shows, stopping, leaving."""

from __future__ import annotations

import functools
import json
import re
import shutil
import threading
import time
import uuid
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from latentdiff.demo import ENCODER_FOLDER, setting_shift_pair
from latentdiff.embed.words import load_vocabulary, load_words
from latentdiff.report import verdict
from tests.browser.panel_app import PICTURES

END = "e => e.closest('.container').lastElementChild.getBoundingClientRect().bottom"
"""Where an input's box ends, in pixels from above."""
LOOKS = (Path(__file__).resolve().parents[2] / "tools" / "states" / "looks.js").read_text(encoding="utf8")
WORDS = ("snow", "beach", "forest", "dog", "bus", "city", "boat", "kite", "house", "desert")
SOON = 150_000


@pytest.fixture(scope="module")
def output(root: Path) -> Path:
    """Where screenshots are kept."""
    folder = root / "test-output" / "gradio"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders "winter" and "summer" of drawn scenes, the same as zip files, and as a CSV."""
    folder = tmp_path_factory.mktemp("scenes")
    pair = setting_shift_pair(50, 3, setting="snow", rates=(0.7, 0.1))
    rows = ["path,group_name"]
    for side, name in (("A", "winter"), ("B", "summer")):
        (folder / name).mkdir()
        with zipfile.ZipFile(folder / f"{name}.zip", "w") as archive:
            for i, (image, _) in enumerate(pair.draw(side, size=128)):
                file = folder / name / f"{i:03d}.jpg"
                image.save(file)
                archive.write(file, file.name)
                rows.append(f"{name}/{file.name},{name}")
    (folder / "table.csv").write_text("\n".join(rows) + "\n")
    return folder


@pytest.fixture(scope="module")
def served(scenes: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    from fiftyone_plugin.panels.page.serve import serve
    from fiftyone_plugin.panels.page.settings import PageSettings

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LATENTDIFF_CACHE", str(tmp_path_factory.mktemp("cache")))
        page = serve(PageSettings(encoder="demo", roots=(scenes,)))
        yield page
        page.close()


@pytest.fixture(scope="module")
def expected(scenes: Path, served: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The same comparison, made without a page."""
    from fiftyone_plugin.panels.page.work import Asked, answer

    asked = Asked(folder_a=str(scenes / "winter"), folder_b=str(scenes / "summer"), encoder="demo", words="\n".join(WORDS))
    return answer(asked, served.settings, tmp_path_factory.mktemp("work"), lambda fraction, label: None)


@pytest.fixture
def visit(browser: Any, served: Any) -> Iterator[Callable[..., Any]]:
    """``visit(width, theme)``: the page in a tab of its own; errors in its console, and requests to anywhere else, fail the test."""
    errors: list[str] = []
    contexts = []

    def opened(width: int = 1280, theme: str = "dark") -> Any:
        context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=theme)
        contexts.append(context)
        context.set_default_timeout(SOON)
        tab = context.new_page()
        tab.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        tab.on("pageerror", lambda error: errors.append(str(error)))
        tab.on(
            "request", lambda request: errors.append(request.url) if not request.url.startswith((served.url, "data:", "blob:")) else None
        )
        tab.goto(served.url)
        tab.wait_for_selector("#compare", timeout=SOON)
        return tab

    yield opened
    for context in contexts:
        context.close()
    assert errors == []


def keep(tab: Any, picture: Path) -> None:
    """The whole page as a picture, where those are asked for."""
    if PICTURES:
        tab.screenshot(path=picture, full_page=True)


def fill(tab: Any, a: str, b: str, words: tuple[str, ...] = WORDS) -> None:
    tab.get_by_label("Folder A").fill(a)
    tab.get_by_label("Folder B").fill(b)
    choose_words(tab, words)


def choose_words(tab: Any, words: tuple[str, ...]) -> None:
    tab.get_by_role("button", name="Options").click()
    tab.get_by_label("Your own words").fill("\n".join(words))


def compared(tab: Any) -> str:
    """Click Compare and wait; the verdict, or what is said in its place."""
    tab.evaluate("() => document.querySelectorAll('#verdict .ld-verdict, #status .ld-message').forEach(e => e.remove())")
    tab.click("#compare")
    tab.wait_for_selector("#verdict .ld-verdict, #status .ld-message", timeout=SOON)
    return tab.inner_text("#verdict .ld-verdict" if tab.query_selector("#verdict .ld-verdict") else "#status .ld-message")


def eventually(true: Callable[[], Any], seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def no_work() -> bool:
    return not any(thread.name == "latentdiff-work" for thread in threading.enumerate())


@pytest.mark.parametrize(("width", "theme"), [(1280, "dark"), (1920, "light")])
def test_two_folders(visit, expected, scenes, output, tmp_path, width, theme) -> None:
    tab = visit(width, theme)
    keep(tab, output / f"start-{width}-{theme}.png")
    fill(tab, str(scenes / "winter"), str(scenes / "summer"))
    assert compared(tab) == verdict(expected.comparison, "winter", "summer")
    found = {side: expected.comparison.top(side, 6) for side in "AB"}
    cards = tab.locator(".ld-card:not(.ld-lead):visible")
    assert cards.count() == len(found["A"]) + len(found["B"]) >= 1
    for card, h in zip(cards.all(), (*found["A"], *found["B"]), strict=True):
        text = card.inner_text()
        assert h.text in text and ("looks like" in text) == h.weak
        shares = card.locator(".ld-rates .value").all_inner_texts()
        own = (h.rate_a, h.rate_b) if h.side == "A" else (h.rate_b, h.rate_a)
        for shown, rate in zip(shares, own, strict=True):
            assert abs(float(re.sub("[<>%]", "", shown)) / 100 - rate) <= 0.01
        widths = [float(rect.get_attribute("width").strip("%")) for rect in card.locator(".ld-bar rect").all()]
        assert np.allclose(widths, [100 * own[0], 100 * own[1]], atol=0.01)
        facts = dict(zip(card.locator("dt").all_inner_texts(), card.locator("dd").all_inner_texts(), strict=True))
        assert facts["AUROC"] == f"{h.auroc:.2f}"
        assert facts["difference"].startswith(f"{round(100 * h.effect, 1):+} points")
        assert facts["name"].endswith(f"({h.name_strength:.2f})")
        assert facts["q"] == ("< 0.001" if h.q_value < 0.001 else f"{h.q_value:.2g}")
    loaded(tab)
    assert not_cut_off(tab)
    keep(tab, output / f"result-{width}-{theme}.png")
    if width == 1280:
        check_pictures(tab, expected, found["A"][0])
        check_downloads(tab, expected, tmp_path)


def loaded(tab: Any) -> None:
    """All pictures are there, those below the window's edge too, which a browser fetches only when they are scrolled to."""
    tab.evaluate("() => document.querySelectorAll('.ld-slot img').forEach(i => { i.loading = 'eager'; })")
    tab.wait_for_function("() => [...document.querySelectorAll('.ld-slot img')].every(i => i.complete && i.naturalWidth)", timeout=SOON)


def looked_at(tab: Any, output: Path, name: str) -> None:
    """Nothing is cut off in any window, bright or dark; pictures of it are kept."""
    loaded(tab)
    for width in (640, 1280, 1920):
        tab.set_viewport_size({"width": width, "height": 800})
        for theme in ("light", "dark"):
            tab.evaluate("dark => document.body.classList.toggle('dark', dark)", theme == "dark")
            eventually(lambda: not_cut_off(tab))
            eventually(lambda: not [said for said in tab.evaluate(LOOKS, "body") if said.startswith("faint")])  # colours fade over
            tab.screenshot(path=output / f"{name}-{width}-{theme}.png", full_page=True)


def slots(tab: Any) -> list[str]:
    """What the first line of every box says: findings and leads by their titles, and the most typical images."""
    return [slot.locator("h3, .ld-none").first.inner_text() for slot in tab.locator(".ld-slot:visible").all()]


def boxes(found: Any, names: tuple[str, str]) -> list[str]:
    """The same by the comparison itself."""
    told = []
    for side, name in zip("AB", names, strict=True):
        best = found.top(side, 6)
        leads = () if best else [h for h in found.leads if h.side == side]
        cards = [[f"{'looks like ' * h.weak}{h.text}" for h in some] for some in (best, leads)]
        told += [*cards[0], f"Most typical of {name}", *cards[1]]
    return told


@pytest.mark.parametrize(("a", "b", "sides"), [("odd", "even", 0), ("winter", "summer", 1), ("winter", "shore", 2)])
def test_there_is_something_to_look_at_in_every_outcome(visit, served, scenes, output, tmp_path, a, b, sides) -> None:
    """Two halves of one folder, a side that alone has something, and sides that both have."""
    from fiftyone_plugin.panels.page.work import Asked, answer

    files = sorted((scenes / "summer").glob("*.jpg"))
    for name, own in (("odd", files[1::2]), ("even", files[::2])):
        (scenes / name).mkdir(exist_ok=True)
        for file in own:
            shutil.copy(file, scenes / name)
    (scenes / "shore").mkdir(exist_ok=True)
    for i, (image, _) in enumerate(setting_shift_pair(50, 4, setting="beach", rates=(0.7, 0.1)).draw("A", size=128)):
        image.save(scenes / "shore" / f"{i}.jpg")
    asked = Asked(folder_a=str(scenes / a), folder_b=str(scenes / b), encoder="demo", words="\n".join(WORDS))
    found = answer(asked, served.settings, tmp_path, lambda fraction, label: None).comparison
    assert len({h.side for h in found.hypotheses}) == sides
    tab = visit(1280, "light")
    fill(tab, asked.folder_a, asked.folder_b)
    assert compared(tab) == verdict(found, a, b)
    assert slots(tab) == boxes(found, (a, b)) and "nearest to it" not in tab.inner_text("#verdict")
    leads = [h for h in found.leads if not any(f.side == h.side for f in found.hypotheses)]
    greys = tab.locator(".ld-lead:visible")
    assert greys.count() == len(leads) and bool(leads) == (sides < 2)
    for grey, h in zip(greys.all(), leads, strict=True):
        assert f"Lead, not proven: perhaps chance; q = {h.q_value:.2g} against 0.05" in grey.inner_text()
    looked_at(tab, output, f"{a}-{b}")


def not_cut_off(tab: Any) -> bool:
    """Nothing reaches beyond the window or its own card, and no choice below the arrow of its drop-down."""
    return tab.evaluate(
        """() => document.documentElement.scrollWidth <= innerWidth
            && [...document.querySelectorAll('.ld-slot')].filter(slot => slot.offsetParent).every(slot => {
                const edge = slot.getBoundingClientRect().right + 1;
                return [...slot.querySelectorAll('.ld-card, img')].every(e => e.getBoundingClientRect().right <= edge);
            })
            && [...document.querySelectorAll('[role=combobox]')].filter(box => box.offsetParent).every(box => {
                const arrow = box.parentElement.querySelector('.icon-wrap').getBoundingClientRect();
                return box.getBoundingClientRect().right <= arrow.left + 1;
            })"""
    )


def check_pictures(tab: Any, expected: Any, hypothesis: Any) -> None:
    """The gallery of the first card holds copies of the hypothesis's exemplars, in order."""
    import io

    from PIL import Image

    shown = tab.locator(".ld-slot:visible").first.locator("button img").all()
    assert len(shown) == len(hypothesis.exemplars)
    for image, row in zip(shown, hypothesis.exemplars, strict=True):
        got = tab.request.get(image.evaluate("i => i.src")).body()
        wanted = np.asarray(Image.open(expected.images["A"][row]).convert("RGB").resize((64, 64)), float)
        assert np.abs(np.asarray(Image.open(io.BytesIO(got)).convert("RGB").resize((64, 64)), float) - wanted).mean() < 6


def check_downloads(tab: Any, expected: Any, folder: Path) -> None:
    for kind in ("html", "md", "csv", "json"):
        with tab.expect_download() as download:
            tab.click(f"#file-{kind}")
        download.value.save_as(folder / f"report.{kind}")
    said = json.loads((folder / "report.json").read_text())
    assert [h["text"] for h in said["hypotheses"]] == [h.text for h in expected.comparison.hypotheses]
    assert [h["q_value"] for h in said["hypotheses"]] == [h.q_value for h in expected.comparison.hypotheses]
    assert (folder / "report.html").read_text().startswith("<!doctype html>")


def test_zip_files_are_removed_when_the_tab_closes(visit, served, expected, scenes) -> None:
    tab = visit()
    tab.get_by_role("tab", name="Two zip files").click()
    chooser = tab.locator('input[type="file"]')
    chooser.nth(1).wait_for(state="attached")
    for name, left in (("winter.zip", chooser.count() - 1), ("summer.zip", chooser.count() - 2)):
        chooser.nth(0).set_input_files(scenes / name)
        tab.get_by_label(name, exact=True).wait_for(timeout=SOON)  # of what arrived: its progress has no label
        eventually(lambda left=left: chooser.count() == left)  # a field that has its file is drawn anew, without a chooser
    choose_words(tab, WORDS)
    assert compared(tab) == verdict(expected.comparison, "winter", "summer")
    uploads, sessions = served.folder / "uploads", served.folder / "sessions"
    assert len(list(uploads.rglob("*.zip"))) == 2
    kept = [path for path in sessions.rglob("*") if path.is_file()]
    assert kept and not [path for path in kept if path.parent.name in ("a", "b")]  # unpacked images are gone once they are compared
    tab.close()
    eventually(lambda: not list(uploads.rglob("*.zip")) and not list(sessions.rglob("*.*")))


def test_table_of_paths(visit, expected, scenes) -> None:
    def chosen(table: Path) -> Any:
        tab = visit()
        tab.get_by_role("tab", name="A table of paths").click()
        tab.locator('input[type="file"]').first.set_input_files(table)
        tab.get_by_label(table.name, exact=True).wait_for(timeout=SOON)
        tab.get_by_label("Folder of the images").fill(str(scenes))
        choose_words(tab, WORDS)
        return tab

    tab = chosen(scenes / "table.csv")
    assert compared(tab) == verdict(expected.comparison, "winter", "summer")
    three = scenes / "three.csv"
    three.write_text((scenes / "table.csv").read_text() + "lost.jpg,spring\n")  # a group that is not compared need not exist
    tab = chosen(three)
    assert "names 3 groups" in compared(tab)
    for label, group in (("Group A", "winter"), ("Group B", "summer")):
        pick(tab, label, group)
    assert compared(tab) == verdict(expected.comparison, "winter", "summer")


def test_bad_choices_are_said_in_words_and_markup_is_text(visit, scenes, output) -> None:
    tab = visit()
    assert compared(tab) == "Name folder A first."
    attack = "<img src=x onerror=\"document.title='attacked'\">"
    for a, b, said in (
        ("/etc", str(scenes / "summer"), "is outside the folders that may be read here"),
        (f"{scenes}/winter/../../..", str(scenes / "summer"), "is outside the folders that may be read here"),
        (str(scenes / "nowhere"), str(scenes / "summer"), "There is no folder"),
        (str(scenes / "winter"), str(scenes / "winter"), "Both sides are the same images"),
        (f"{scenes}/{attack}", str(scenes / "summer"), attack),
    ):
        tab.get_by_label("Folder A").fill(a)
        tab.get_by_label("Folder B").fill(b)
        assert said in compared(tab)
    keep(tab, output / "error.png")
    assert tab.title() == "LatentDiff"
    assert tab.is_enabled("#compare") and not tab.is_visible("#cancel")


def test_a_click_is_answered_while_the_page_still_opens(visit, served) -> None:
    """What the page asks its server of its own accord as it opens may be answered after the click, and takes back nothing of its answer."""
    own, held, asked, answered = "**/gradio_api/run/predict", [], [], []
    tab = visit().context.new_page()
    tab.on("request", lambda request: asked.append(request.url) if request.url.endswith(own[2:]) else None)
    tab.on("requestfinished", lambda request: answered.append(request.url) if request.url.endswith(own[2:]) else None)
    tab.route(own, lambda route: held.append(route))
    tab.goto(served.url)
    assert compared(tab) == "Name folder A first."
    assert held and not answered
    tab.unroute(own)  # lets go of what is held
    deadline = time.monotonic() + 120
    while not len(held) <= len(answered) == len(asked):
        assert time.monotonic() < deadline
        tab.wait_for_timeout(100)
    assert tab.inner_text("#status .ld-message") == "Name folder A first."


@pytest.mark.parametrize("held", [True, False])
def test_a_click_right_after_another_tab_was_opened_is_answered_for_that_one(visit, held: bool) -> None:
    """However slow the machine: with all answers held that only tell the page which tab is open, and with a slow processor."""
    own, kept, asked, answered = "**/gradio_api/run/predict", [], [], []
    tab = visit()
    assert compared(tab) == "Name folder A first."
    tab.on("request", lambda request: asked.append(request.url) if request.url.endswith(own[2:]) else None)
    tab.on("requestfinished", lambda request: answered.append(request.url) if request.url.endswith(own[2:]) else None)
    if held:
        tab.route(own, lambda route: kept.append(route))
    else:
        tab.context.new_cdp_session(tab).send("Emulation.setCPUThrottlingRate", {"rate": 20})
    for name, said in (("Two zip files", "zip file"), ("A table of paths", "CSV file"), ("Two folders", "folder A")):
        opened = tab.get_by_role("tab", name=name)
        tab.evaluate("() => document.querySelectorAll('#status .ld-message').forEach(e => e.remove())")
        opened.click()
        tab.click("#compare")
        tab.wait_for_selector("#status .ld-message", timeout=SOON)
        tab.wait_for_timeout(1500)
        assert said in tab.inner_text("#status .ld-message")
    tab.unroute(own)
    eventually_in(tab, lambda: len(answered) == len(asked))
    assert "folder A" in tab.inner_text("#status .ld-message")
    tab.get_by_role("tab", name="Two zip files").click()  # what another tab was told is no answer to what this one asks
    tab.wait_for_selector("#status .ld-message", state="detached", timeout=SOON)


def eventually_in(tab: Any, true: Callable[[], Any]) -> None:
    """As :func:`eventually`, while the browser's events come in."""
    deadline = time.monotonic() + 120
    while not true():
        assert time.monotonic() < deadline
        tab.wait_for_timeout(100)


def pick(tab: Any, label: str, choice: str | re.Pattern[str]) -> None:
    tab.get_by_label(label, exact=True).click()
    tab.get_by_role("option", name=choice).last.click(timeout=SOON)


def test_what_can_be_chosen_is_what_the_command_line_has(visit, scenes, output) -> None:
    tab = visit()
    fill(tab, str(scenes / "winter"), str(scenes / "summer"))
    labels = (re.compile(rf"^\s*{label}") for label in ("Sparse autoencoder", "Server", "Model"))
    sae, server, model = (tab.locator("label").filter(has_text=label).locator("input, textarea") for label in labels)
    assert not sae.is_visible() and not server.is_visible()
    pick(tab, "Concepts", "A sparse autoencoder of mine")
    sae.wait_for(timeout=SOON)
    pick(tab, "Concepts", "Learnt from these images, from coarse to fine")
    sae.wait_for(state="hidden", timeout=SOON)
    pick(tab, "Describe images", "By each image's nearest words")
    tab.get_by_text("Nothing leaves this machine.").wait_for(timeout=SOON)
    tab.get_by_label("Ask a language model").check()
    server.fill("http://localhost:9/v1")
    model.fill("some-model")
    tab.get_by_text("Will be sent: the captions of about 40 images to http://localhost:9/v1 (some-model).").wait_for(timeout=SOON)
    keep(tab, output / "options.png")
    pick(tab, "Method", "Difference of means")
    assert "Mean reads no captions" in compared(tab)
    pick(tab, "Describe images", "No: by the words alone")
    server.wait_for(state="hidden", timeout=SOON)
    assert "leave its kind out" in compared(tab)
    pick(tab, "Concepts", re.compile("^The encoder's own, else learnt"))
    assert "differ" in compared(tab)
    assert tab.locator(".ld-card h3").first.inner_text() == "snow"


def test_an_encoder_that_is_not_here_is_told_before_anything_is_compared(visit, scenes, output) -> None:
    tab = visit()
    tab.get_by_role("button", name="Options").click()
    tab.get_by_label("Encoder", exact=True).click()
    titles = tab.get_by_role("option").all_inner_texts()
    assert [re.search(r"\((on|605|1,712).*\)", title)[1] for title in titles] == ["on", "605", "1,712"]
    tab.get_by_role("option", name=re.compile("CLIP ViT-B")).last.click(timeout=SOON)
    tab.wait_for_selector("#encoder-state .ld-message", timeout=SOON)
    said = tab.inner_text("#encoder-state")
    assert (
        "CLIP ViT-B/32 (605 MB) is not on this machine, and cannot be fetched: HF_HUB_OFFLINE is set" in said and "curl -LO https" in said
    )
    keep(tab, output / "offline.png")
    tab.get_by_label("Folder A").fill(str(scenes / "winter"))
    tab.get_by_label("Folder B").fill(str(scenes / "summer.zip"))
    tab.get_by_label("Folder B").blur()
    tab.wait_for_function("() => document.querySelectorAll('#preview-a img').length === 5", timeout=SOON)
    assert "50 images." in tab.inner_text("#preview-a")
    tab.get_by_text("summer.zip is a zip file: choose it in the tab").wait_for(timeout=SOON)
    tab.get_by_label("Folder B").fill(str(scenes / "summer"))
    assert "cannot be fetched" in compared(tab)
    tab.get_by_label("Weights").fill(str(ENCODER_FOLDER))  # another model that is here
    assert "differ" in compared(tab)
    tab.get_by_role("tab", name="Two zip files").click()
    tab.locator("#verdict").wait_for(state="hidden", timeout=SOON)  # what was found of folders is no answer here
    pick(tab, "Encoder", re.compile("of the demo"))
    tab.locator("#encoder-state .ld-message").wait_for(state="hidden", timeout=SOON)


def test_the_demos_encoder_sees_photographs_only_where_that_is_asked_for(visit, scenes, root, output) -> None:
    photographs = root.parent / "shared" / "data" / "coco" / "photos"
    if not photographs.is_dir():
        pytest.skip("no photographs in ../shared/data")
    for i, photo in enumerate(sorted(photographs.glob("*.jpg"))[:60]):
        folder = scenes / ("holiday", "work")[i % 2]
        folder.mkdir(exist_ok=True)
        shutil.copy(photo, folder)
    tab = visit(640, "light")
    fill(tab, str(scenes / "holiday"), str(scenes / "work"))
    assert compared(tab).startswith("The demo's encoder knows drawn scenes only, and the images of holiday are none")
    keep(tab, output / "photographs.png")
    tab.get_by_label(re.compile("The demo's encoder all the same")).check()
    compared(tab)
    assert "the names of differences are worth nothing" in tab.inner_text("#verdict")


def test_names_and_words_with_markup_show_as_text(visit, scenes, tmp_path) -> None:
    attack = "<img src=x onerror=document.title='attacked'>"
    hostile = scenes / "b><script>document.title=1<"
    shutil.copytree(scenes / "summer", hostile, dirs_exist_ok=True)
    tab = visit()
    fill(
        tab, str(scenes / "winter"), str(hostile), (f"snow {attack}", f"beach {attack}", *(f"{w} [x](javascript:alert(1))" for w in WORDS))
    )
    said = compared(tab)
    assert hostile.name in said
    assert tab.locator(".ld-card:visible").count() >= 1
    assert any(attack in text or "[x](javascript" in text for text in tab.locator(".ld-card h3").all_inner_texts())
    assert tab.evaluate("() => document.querySelectorAll('.ld img[src=\"x\"], .ld script, .ld a').length") == 0
    assert tab.title() == "LatentDiff"


@pytest.fixture
def many_words(monkeypatch: pytest.MonkeyPatch) -> None:
    """The 20,000 common words also of the demo's encoder, which says that it knows few: they take long enough to be stopped."""
    monkeypatch.setattr("latentdiff.inputs.named.load_vocabulary", functools.partial(load_vocabulary, words=load_words()))


def test_cancel_stops_the_work(visit, served, scenes, output, many_words) -> None:
    tab = visit()
    fill(tab, str(scenes / "winter"), str(scenes / "summer"), ())
    tab.click("#compare")
    tab.wait_for_function("() => document.querySelector('#status').innerText.includes('embedding words: ')", timeout=SOON)
    keep(tab, output / "working.png")
    tab.click("#cancel")
    tab.wait_for_function("() => document.querySelector('#status').innerText.startsWith('Stopped.')", timeout=SOON)
    eventually(no_work)
    assert tab.is_enabled("#compare") and not tab.is_visible("#cancel")
    assert not [path for path in (served.folder / "sessions").rglob("*") if path.is_file()]


def test_closing_the_tab_stops_the_work(visit, served, scenes, many_words) -> None:
    eventually(lambda: len(served.sessions) == 0)
    tab = visit()
    fill(tab, str(scenes / "winter"), str(scenes / "summer"), ())
    tab.click("#compare")
    tab.wait_for_function("() => document.querySelector('#status').innerText.includes('texts')", timeout=SOON)
    assert not no_work() and len(served.sessions) == 1
    tab.close()
    eventually(no_work)
    eventually(lambda: len(served.sessions) == 0 and not list((served.folder / "sessions").iterdir()))


def test_views_of_a_dataset(visit, tmp_path, output) -> None:
    import fiftyone as fo
    from PIL import Image

    from fiftyone_plugin import load_comparison
    from tests.planted import vectors

    dataset = fo.Dataset(f"gradio-{uuid.uuid4().hex[:8]}")
    try:
        samples = []
        for side, rows in (("summer", vectors(60, 2 / 3, seed=1)), ("winter", vectors(80, 1 / 20, seed=2))):
            for i, row in enumerate(rows):
                path = tmp_path / f"{side}{i}.png"
                Image.new("RGB", (32, 24), (0, 3 * i, 90)).save(path)
                samples.append(fo.Sample(filepath=str(path), tags=[side], clip=row))
        dataset.add_samples(samples, progress=False)
        for side in ("summer", "winter"):
            dataset.save_view(side, dataset.match_tags(side))
        tab = visit()
        tab.get_by_role("tab", name="Views of a dataset").click()
        tab.set_viewport_size({"width": 640, "height": 900})  # the hints of one row differ in their lines: its boxes end alike
        ends = [tab.get_by_label(label).evaluate(END) for label in ("View A", "View B", "Under which the dataset keeps")]
        assert len(set(map(round, ends))) == 1, ends
        for label, choice in (("Dataset", dataset.name), ("View A", "summer"), ("View B", "winter")):
            tab.get_by_label(label, exact=True).click()
            tab.get_by_role("option", name=choice).last.click(timeout=SOON)
            if label == "Dataset":
                tab.wait_for_function("() => document.querySelector('[aria-label=\"Image vectors\"]').value === 'clip'", timeout=SOON)
        said = compared(tab)
        keep(tab, output / "views.png")
        assert "differ" in said
        stored = load_comparison(dataset, "summer_vs_winter")
        assert said == verdict(stored.comparison, "summer", "winter")
        assert f"stored in dataset {dataset.name} as summer_vs_winter" in tab.inner_text("#verdict")
        assert tab.locator(".ld-slot:visible button img").count() > 0
    finally:
        fo.delete_dataset(dataset.name)
