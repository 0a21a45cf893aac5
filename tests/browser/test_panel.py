"""The panel in the real App, in headless Chromium, on real photographs."""

from __future__ import annotations

import json
import shutil
import socket
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

FLAGS = "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync"


@pytest.fixture(scope="module")
def chromium() -> str:
    found = next((path for path in map(shutil.which, ("chromium", "chromium-browser", "google-chrome")) if path), None)
    if found is None:
        pytest.skip("no Chromium on PATH")
    return found


@pytest.fixture(scope="module")
def compared(shared_data: Path) -> Iterator[tuple[Any, dict[str, Any]]]:
    """Photographs of beaches and buildings against buses and buildings, compared both ways round."""
    import fiftyone as fo

    import latentdiff
    from fiftyone_plugin import compare_views

    corel = shared_data / "corel"
    labels = [entry["label"] for entry in json.loads((corel / "labels.json").read_text())]
    vectors = np.load(corel / "clip_vit_b_32_images.npy")
    rows = [i for i, label in enumerate(labels) if label in ("beach", "building", "bus")]
    dataset = fo.Dataset(f"browser-{uuid.uuid4().hex[:8]}")
    dataset.persistent = True  # the App's server is another process
    samples = []
    for i in rows:
        side = {"beach": "coast", "bus": "town"}.get(labels[i]) or ("coast" if i % 2 else "town")
        samples.append(fo.Sample(filepath=str((corel / "photos" / f"{i}.jpg").resolve()), tags=[side], clip=vectors[i]))
    dataset.add_samples(samples, progress=False)
    for side in ("coast", "town"):
        dataset.save_view(side, dataset.match_tags(side))
    words = (corel / "lvis_words.txt").read_text().splitlines()
    vocabulary = latentdiff.Vocabulary(words, np.load(corel / "clip_vit_b_32_lvis_words.npy"))
    options: dict[str, Any] = {"embeddings": "clip", "vocabulary": vocabulary}
    runs = {
        "town_vs_coast": compare_views(dataset, "town", "coast", run="town_vs_coast", **options),
        "coast_vs_town": compare_views(dataset, "coast", "town", run="coast_vs_town", **options),
    }
    yield dataset, runs
    fo.delete_dataset(dataset.name)


@pytest.fixture(scope="module")
def address(compared) -> Iterator[str]:
    import fiftyone as fo

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    session = fo.launch_app(compared[0], remote=True, address="127.0.0.1", port=port)
    yield f"http://127.0.0.1:{port}/datasets/{compared[0].name}"
    session.close()


@pytest.fixture
def page(chromium: str, address: str) -> Iterator[Any]:
    """The App with the dataset open; errors that our code causes in it fail the test."""
    from playwright.sync_api import sync_playwright

    errors: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS.split())
        page = browser.new_page(viewport={"width": 1600, "height": 900})
        page.add_init_script("localStorage['fiftyone-enterprise-tooltip-seen'] = 'true'")
        page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        page.goto(address)
        page.wait_for_selector('[data-cy="looker"]', timeout=60_000)
        yield page
        browser.close()
    ours = [text for text in errors if "ERR_NAME_NOT_RESOLVED" not in text and "ERR_INTERNET_DISCONNECTED" not in text]
    assert not [text for text in ours if "perator" in text or "latentdiff" in text], ours


def grid_count(page: Any, count: int) -> None:
    """Wait until the grid says that it holds this many samples."""
    words = "1 sample" if count == 1 else f"{count:,} samples"
    page.wait_for_function("words => document.body.innerText.split('\\n').includes(words)", arg=words, timeout=30_000)


def test_choose_a_run_read_it_and_show_its_images(page, compared, tmp_path) -> None:
    _, runs = compared
    grid_count(page, 300)
    page.click('[data-cy="new-panel-btn"]')
    page.click('[data-cy="new-panel-option-latentdiff_panel"]')
    page.wait_for_selector("text=More in coast", timeout=30_000)  # the newest run opens
    newest = runs["coast_vs_town"]
    for hypothesis in newest.top("A", 3):
        assert page.get_by_role("heading", name=hypothesis.text).count() >= 1
    loaded = (
        "() => { const all = [...document.querySelectorAll('img[alt*=\"example\"]')]; return all.length && all.every(i => i.naturalWidth) }"
    )
    page.wait_for_function(loaded, timeout=30_000)
    page.screenshot(path=tmp_path / "panel.png")

    page.get_by_text("coast_vs_town", exact=True).first.click()
    page.get_by_role("option", name="town_vs_coast").click()
    chosen = runs["town_vs_coast"]
    first = chosen.hypotheses[0]
    count = len(chosen.comparison.rows_showing(first, first.side))
    name = chosen.sides[first.side].name
    page.wait_for_function(
        "() => document.body.innerText.indexOf('More in town') < document.body.innerText.indexOf('More in coast')", timeout=30_000
    )
    page.get_by_role("button", name=f"Show {count:,} in {name}").first.click()
    page.get_by_text("Samples", exact=True).first.click()
    grid_count(page, count)
