"""The real App on real photographs, in headless Chromium: what the tests of the panel share."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests import drawn

FLAGS = "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync"
OFFLINE = ("ERR_NAME_NOT_RESOLVED", "ERR_INTERNET_DISCONNECTED", "ERR_NAME_RESOLUTION_FAILED", "entry is loading")
"""The App looks for fonts and news of its own, and reloads its sidebar with a complaint; nothing of ours asks the network for anything."""
PICTURES = bool(os.environ.get("LATENTDIFF_PICTURES"))
"""Whether each state that the tests pass through is kept as a picture: to be looked at, no test needs it."""
PATIENCE = 90_000
"""Milliseconds: no test says how long something takes, and the machine may be busy."""


@dataclass
class Scenes:
    """A dataset whose two views were compared both ways round."""

    dataset: Any
    embeddings: str
    views: tuple[str, str]
    words: Path
    sae: Path
    """A small one, so that not every test trains its own."""
    runs: dict[str, Any] = field(default_factory=dict)

    def compare(self, dataset: Any, first: Any, second: Any, run: str, embeddings: str | None = None) -> Any:
        """A comparison with the words and the SAE at hand."""
        from fiftyone_plugin import compare_views

        given = embeddings or self.embeddings
        return compare_views(dataset, first, second, embeddings=given, vocabulary=self.words, sae=self.sae, run=run)


def build(shared_data: Path | None, folder: Path) -> Scenes:
    """Photographs where they are here, the drawn scenes of the demo elsewhere; "second_try" trains an SAE of its own, as the App does."""
    import latentdiff
    from fiftyone_plugin import compare_views
    from latentdiff.compute.parallel import one_thread

    scenes = _photographs(shared_data, folder) if shared_data else _drawn(folder)
    scenes.dataset.persistent = True  # the App's server is another process
    vectors = np.array(scenes.dataset.values(scenes.embeddings), np.float32)
    latentdiff.train_sae(vectors, concepts=128, steps=60, seed=0).save(scenes.sae)
    a, b = scenes.views
    with one_thread():  # as the App's server computes: to the last digit the same
        scenes.runs["first_try"] = scenes.compare(scenes.dataset, b, a, "first_try")
        trained = compare_views(scenes.dataset, a, b, embeddings=scenes.embeddings, vocabulary=scenes.words, run="second_try")
        scenes.runs["second_try"] = trained
    return scenes


def _photographs(shared_data: Path, folder: Path) -> Scenes:
    """Beaches and buildings against buses and buildings."""
    import fiftyone as fo

    corel = shared_data / "corel"
    labels = [entry["label"] for entry in json.loads((corel / "labels.json").read_text())]
    vectors = np.load(corel / "clip_vit_b_32_images.npy")
    dataset = fo.Dataset(f"browser-{uuid.uuid4().hex[:8]}")
    samples = []
    for i in [i for i, label in enumerate(labels) if label in ("beach", "building", "bus")]:
        side = {"beach": "coast", "bus": "town"}.get(labels[i]) or ("coast" if i % 2 else "town")
        samples.append(fo.Sample(filepath=str((corel / "photos" / f"{i}.jpg").resolve()), tags=[side], clip=vectors[i]))
    dataset.add_samples(samples, progress=False)
    for side in ("coast", "town"):
        dataset.save_view(side, dataset.match_tags(side))
    words = (corel / "lvis_words.txt").read_text().splitlines()
    file = folder / "words.npz"
    np.savez(file, words=np.array(words), vectors=np.load(corel / "clip_vit_b_32_lvis_words.npy"))
    return Scenes(dataset, "clip", ("coast", "town"), file, folder / "sae")


def _drawn(folder: Path) -> Scenes:
    """As many scenes as there are photographs; snow lies in most of one side's."""
    import fiftyone as fo

    from latentdiff import demo
    from latentdiff.embed.encoder import load_encoder

    dataset = fo.Dataset(f"browser-{uuid.uuid4().hex[:8]}")
    drawn.fill(dataset, folder, 150, snowy=0.7)
    file = folder / "words.npz"
    np.savez(file, words=np.array(demo.words()), vectors=load_encoder("demo").encode_texts(demo.words()))
    return Scenes(dataset, "demo_clip", ("winter", "summer"), file, folder / "sae")


def save_workspace(dataset: Any) -> None:
    """The grid beside the panel."""
    import fiftyone as fo

    panels = (fo.Panel(type="Samples", pinned=True), fo.Panel(type="latentdiff_panel"))
    halves = [fo.Space(children=[panel], active_child=panel.component_id) for panel in panels]
    dataset.save_workspace("latentdiff", fo.Space(children=halves, orientation="horizontal", sizes=[0.4, 0.6]), overwrite=True)


@contextlib.contextmanager
def serve(dataset: Any) -> Iterator[tuple[str, Any]]:
    """The App's address and its ``fo.Session``, while it is served."""
    import fiftyone as fo
    from fiftyone.core.service import ServerService
    from fiftyone.core.session import session as sessions

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    # The App's server compares too, and shares its cores with the browser: threads that wait for each other would take minutes.
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OMP_NUM_THREADS", "1")
        # The server comes first: a session that finds none tries again after ten seconds.
        sessions._server_services[port] = ServerService(port, address="127.0.0.1", do_not_track=fo.config.do_not_track)
        # Few large images in the grid: each one costs as much as a card to draw.
        session = fo.launch_app(dataset, remote=True, address="127.0.0.1", port=port, config=fo.AppConfig({"grid_zoom": 10}))
    try:
        deadline = time.monotonic() + PATIENCE / 1000
        while not session._client._connected:
            assert time.monotonic() < deadline, "the App's server does not answer"
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}", session
    finally:
        session.close()


class App:
    """One browser window with the App in it."""

    def __init__(self, browser: Any, address: str, pictures: Path, theme: str = "dark", width: int = 1600) -> None:
        self.address, self.pictures, self.errors = address, pictures, []
        self.context = browser.new_context(
            viewport={"width": width, "height": 1000}, color_scheme=theme, permissions=["clipboard-read", "clipboard-write"]
        )
        self.context.add_init_script(
            "localStorage['fiftyone-enterprise-tooltip-seen'] = 'true';"
            f"for (const key of ['mui-mode', 'mode']) localStorage[key] = localStorage[key] || '{theme}'"
        )
        self.page = self.context.new_page()
        self.page.set_default_timeout(PATIENCE)
        self.page.on("console", lambda message: self.errors.append(message.text) if message.type == "error" else None)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))

    def open(self, dataset: str, text: str = "More in") -> None:
        """A dataset with the panel beside the grid; waits until the panel says something."""
        self.page.goto(f"{self.address}/datasets/{dataset}?workspace=latentdiff")
        self.page.wait_for_selector('[data-cy="looker"]')
        self.page.wait_for_selector(f"text={text}")

    def start(self, session: Any, dataset: Any, run: str, view: str) -> None:
        """A comparison's differences beside all samples, as they are when the App has just been opened; it is, where they cannot be had."""
        from playwright.sync_api import TimeoutError

        self.errors.clear()
        try:
            self.page.set_default_timeout(30_000)
            assert f"/datasets/{dataset.name}" in self.page.url
            self.close_dialogs()
            show_all = self.page.get_by_role("button", name="Show all", exact=True)
            if show_all.count():
                show_all.click()
            if self.comparisons().inner_text().strip() != run:
                self.open_comparison(run)
            if not self.page.get_by_role("tab", name="Differences", selected=True).count():
                self.tab("Differences")
            self.first_column(view)
            self.grid_count(len(dataset))
        except (AssertionError, TimeoutError):
            self.page.set_default_timeout(PATIENCE)
            self.page.goto("about:blank")
            session.clear_view()
            self.errors.clear()
            self.open(dataset.name)
        self.page.set_default_timeout(PATIENCE)

    def close_dialogs(self) -> None:
        """What another test left open."""
        dialogs = self.page.get_by_role("dialog")
        while dialogs.count():
            self.page.keyboard.press("Escape")
            dialogs.first.wait_for(state="hidden")

    def picture(self, name: str) -> None:
        """Keep what is seen as test output where that is asked for, once the grid has its images."""
        self.page.wait_for_selector('[data-cy="looker"]', state="attached")
        if PICTURES:
            self.page.screenshot(path=self.pictures / f"{name}.png")

    def grid_count(self, count: int, one: str = "sample", many: str = "samples") -> None:
        """Wait until the grid says that it holds this many samples."""
        words = f"1 {one}" if count == 1 else f"{count:,} {many}"
        self.page.wait_for_function("words => document.body.innerText.split('\\n').includes(words)", arg=words)

    def counted(self) -> int:
        """What the grid says, once it says something: there is no number while it is drawn."""
        found = self.page.wait_for_function("() => document.body.innerText.split('\\n').find(line => /^[\\d,]+ samples?$/.test(line))")
        return int(found.json_value().split()[0].replace(",", ""))

    def grid_changes(self, act: Any) -> int:
        """Do something, wait until the grid's count changes; the new one."""
        before = self.counted()
        act()
        pattern = "n => { const f = document.body.innerText.split('\\n').find(l => /^[\\d,]+ samples?$/.test(l));"
        pattern += " return f && f.split(' ')[0].replaceAll(',', '') !== n }"
        self.page.wait_for_function(pattern, arg=str(before))
        return self.counted()

    def choose(self, combobox: Any, option: str) -> None:
        """Open a drop-down and choose, until it took: a form that is drawn again just then leaves the list open."""
        from playwright.sync_api import TimeoutError

        choices = self.page.get_by_role("listbox")
        for _ in range(5):
            if not choices.count():
                combobox.click()
            with contextlib.suppress(TimeoutError):
                self.page.get_by_role("option", name=option, exact=True).click(timeout=10_000)
                return choices.wait_for(state="hidden", timeout=5000)

    def unfold(self, combobox: Any, option: str) -> None:
        """Open a drop-down until it offers this: a form that is drawn again just then closes the list."""
        from playwright.sync_api import TimeoutError

        for _ in range(5):
            if not self.page.get_by_role("listbox").count():
                combobox.click()
            with contextlib.suppress(TimeoutError):
                return self.page.get_by_role("option", name=option, exact=True).wait_for(timeout=5000)

    def open_comparison(self, name: str) -> None:
        """Choose a comparison in the panel's drop-down (the App has others)."""
        self.choose(self.comparisons(), name)

    def comparisons(self) -> Any:
        """The panel's drop-down of comparisons."""
        panel = self.page.locator('[data-cy="panel-container"]', has_text="LatentDiff").locator("xpath=..")  # that is its row of tabs
        return panel.get_by_role("combobox").first

    def opened(self, name: str) -> None:
        """Wait until a comparison is open."""
        chosen = "name => [...document.querySelectorAll('[role=combobox]')].some(e => e.innerText.trim() === name)"
        self.page.wait_for_function(chosen, arg=name)

    def listed(self) -> None:
        """Wait for the list of comparisons; the App may have folded it again with the state of another window."""
        from playwright.sync_api import TimeoutError

        for seconds in (3, 6, 12, 24, 48):
            with contextlib.suppress(TimeoutError):
                return self.page.get_by_label("Delete", exact=True).first.wait_for(timeout=1000 * seconds)
            self.button("All comparisons").click()

    def button(self, name: str) -> Any:
        return self.page.get_by_role("button", name=name).first

    def first_column(self, view: str) -> None:
        """Wait until the left column is what there is more of in this view."""
        self.page.wait_for_function("text => document.querySelector('h5')?.innerText.includes(text)", arg=f"More in {view}")

    def tab(self, name: str) -> None:
        self.page.get_by_role("tab", name=name).click()

    def settled(self, selector: str) -> dict[str, float]:
        """Where the last such element is, once it has stayed there: a panel that is drawn again replaces its elements."""
        box = "s => { const e = [...document.querySelectorAll(s)].pop(); e?.scrollIntoView({block: 'nearest'});"
        box += " return e?.getBoundingClientRect() }"
        deadline, before, same = time.monotonic() + PATIENCE / 1000, None, 0
        while same < 4:
            assert time.monotonic() < deadline, f"{selector} does not settle"
            self.page.wait_for_timeout(150)
            now = self.page.evaluate(box, selector)
            same, before = same + 1 if now and now == before else 0, now
        return before or {}

    def close(self) -> None:
        self.context.close()

    def complaints(self) -> list[str]:
        """Errors in the browser's console that are not the missing network's."""
        return [text for text in self.errors if not any(known in text for known in OFFLINE)]


def chromium() -> str:
    """Chromium's path; skips where there is none."""
    found = next((path for path in map(shutil.which, ("chromium", "chromium-browser", "google-chrome")) if path), None)
    if found is None:
        pytest.skip("no Chromium on PATH")
    return str(found)


def photographs(root: Path) -> Path | None:
    """The folder of real data; None where it is missing, or drawn scenes were asked for (LATENTDIFF_BROWSER_DATA=demo)."""
    data = root.parent / "shared" / "data"
    return data if data.is_dir() and os.environ.get("LATENTDIFF_BROWSER_DATA") != "demo" else None
