"""One dataset, one App server and one browser for the tests of the panel."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser.panel_app import App
from tests.browser.scenes import Scenes, build, photographs
from tests.browser.served import FLAGS, chromium, save_workspace, serve


@pytest.fixture(scope="session")
def pictures(root: Path) -> Path:
    """Where screenshots are kept: of tests that failed, and all with LATENTDIFF_PICTURES=1."""
    folder = root / "test-output" / "panel"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def panel_scenes(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scenes]:
    """Two views, compared both ways round: "first_try", then "second_try"."""
    import fiftyone as fo

    chromium()
    made = build(photographs(root), tmp_path_factory.mktemp("browser"))
    save_workspace(made.dataset)
    yield made
    fo.delete_dataset(made.dataset.name)


@pytest.fixture(scope="session")
def app_session(panel_scenes: Scenes) -> Iterator[tuple[str, Any]]:
    """Where the App is served, and its session, which tests ask for nothing while a window is open.

    What the session is told, its windows are told with all that it knows of them, the panel's state among it: where it has not heard of the
    last clicks yet, they are taken back.
    """
    with serve(panel_scenes.dataset) as served:
        yield served


@pytest.fixture(scope="session")
def app_address(app_session: tuple[str, Any]) -> str:
    """Where the App is served."""
    return app_session[0]


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """One for all modules: Playwright bears no second one beside it."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium(), args=FLAGS.split())
        yield started
        started.close()


@pytest.fixture(scope="session")
def window(app_address: str, browser: Any, pictures: Path) -> Iterator[App]:
    """One window for all tests of the panel: the App takes long to load."""
    opened = App(browser, app_address, pictures)
    yield opened
    opened.close()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests without the App come before it is open, which costs a tenth of a core; then those of the dataset that all share.

    The App takes long to load whenever another dataset is opened.
    """
    ours = [item for item in items if item.path.is_relative_to(Path(__file__).parent)]
    others = [item for item in items if item not in ours]
    items[:] = [*others, *sorted(ours, key=_turn)]


def _turn(item: pytest.Item) -> int:
    asked = getattr(item, "fixturenames", ())
    return 0 if "app_session" not in asked else 1 if "app" in asked else 2


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Keep a picture of the window in which a test failed, if there still is one."""
    from playwright.sync_api import Error

    report = yield
    window = getattr(item, "funcargs", {}).get("app_window")
    if report.failed and isinstance(window, App):
        name = re.sub(r"\W+", "_", f"failed {item.name}")
        with contextlib.suppress(Error):
            window.page.screenshot(path=window.pictures / f"{name}.png")
    return report


@pytest.fixture
def app_window(window: App) -> Iterator[App]:
    """A window for a test that opens a dataset of its own; any error in its console fails the test."""
    window.errors.clear()
    yield window
    complaints = window.complaints()
    assert not complaints, complaints


@pytest.fixture
def app(app_window: App, app_session: tuple[str, Any], panel_scenes: Scenes) -> App:
    """The App with the panel open on the newest comparison."""
    app_window.start(app_session[1], panel_scenes.dataset, "second_try", panel_scenes.views[0])
    return app_window


@pytest.fixture(scope="session")
def datasets(window: App, app_session: tuple[str, Any], panel_scenes: Scenes) -> Iterator[Callable[..., Any]]:
    """Makes empty datasets, or takes one; they go when no window shows them: the App's session must not stay on a dataset that goes."""
    import fiftyone as fo

    made: list[Any] = []

    def new(given: Any = None) -> Any:
        made.append(fo.Dataset(persistent=True) if given is None else given)
        return made[-1]

    yield new
    window.page.goto("about:blank")
    app_session[1].dataset = panel_scenes.dataset
    for dataset in made:
        fo.delete_dataset(dataset.name)
