"""The Gradio page inside FiftyOne's App: the operator starts it, the component frames it, and it can be used there."""

from __future__ import annotations

import shutil
import socket
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

FLAGS = "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync"
SOON = 60_000


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    import fiftyone as fo

    dataset = fo.Dataset(f"frame-{uuid.uuid4().hex[:8]}")
    dataset.persistent = True  # the App's server is another process
    Image.new("RGB", (40, 30)).save(tmp_path / "one.png")
    dataset.add_samples([fo.Sample(filepath=str(tmp_path / "one.png"))], progress=False)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    session = fo.launch_app(dataset, remote=True, address="127.0.0.1", port=port)
    yield f"http://127.0.0.1:{port}/datasets/{dataset.name}"
    session.close()
    fo.delete_dataset(dataset.name)


def test_the_operator_frames_the_page(address: str, root: Path) -> None:
    from playwright.sync_api import sync_playwright

    chromium = next((path for path in map(shutil.which, ("chromium", "chromium-browser", "google-chrome")) if path), None)
    if chromium is None:
        pytest.skip("no Chromium on PATH")
    output = root / "test-output" / "gradio"
    output.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS.split())
        page = browser.new_page(viewport={"width": 1600, "height": 900})
        page.add_init_script("localStorage['fiftyone-enterprise-tooltip-seen'] = 'true'")
        page.goto(address)
        page.wait_for_selector('[data-cy="looker"]', timeout=SOON)
        page.click('[data-cy="action-browse-operations"]')
        page.get_by_placeholder("Search operations by name...").fill("LatentDiff: compare folders")
        page.get_by_text("LatentDiff: compare folders or zip files").first.click()
        frame = page.frame_locator('iframe[title="LatentDiff"]')
        frame.locator("#compare").click(timeout=SOON)
        frame.get_by_text("Name folder A first.").wait_for(timeout=SOON)  # a click there reaches Python and comes back
        assert frame.locator("body.dark").count() == 1  # as the App is by default
        inside = "f => f.getBoundingClientRect().right <= f.closest('[role=dialog]').getBoundingClientRect().right + 1"
        assert page.locator('iframe[title="LatentDiff"]').evaluate(inside)
        page.screenshot(path=output / "in-the-app.png")
        browser.close()
