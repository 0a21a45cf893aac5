"""The App's server and the browser that looks at it."""

from __future__ import annotations

import contextlib
import shutil
import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest

FLAGS = "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync"
PATIENCE = 90_000
"""Milliseconds: no test says how long something takes, and the machine may be busy."""


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


def chromium() -> str:
    """Chromium's path; skips where there is none."""
    found = next((path for path in map(shutil.which, ("chromium", "chromium-browser", "google-chrome")) if path), None)
    if found is None:
        pytest.skip("no Chromium on PATH")
    return str(found)
