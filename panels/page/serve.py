"""Start and end the Gradio page: on loopback, without telemetry, with a folder of its own that goes at the end."""

from __future__ import annotations

import atexit
import contextlib
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from latentdiff.compute.extras import needs
from latentdiff.compute.temporary import make_folder, remove_folder
from latentdiff.errors import InputError

from .cards import CSS
from .guard import LOOPBACK, Guard
from .page import build
from .sessions import MOST_TABS, Sessions
from .settings import PageSettings

UPLOADS = "GRADIO_TEMP_DIR"
SHARES = 4
"""Largest uploads that may lie on the disk at once, with what they unpack to."""


@dataclass(eq=False)
class Page:
    """A page that is being served."""

    url: str
    settings: PageSettings
    sessions: Sessions
    folder: Path
    _blocks: Any
    _before: str | None

    def wait(self) -> None:
        """Block until the page is closed or the process is interrupted."""
        self._blocks.block_thread()

    def close(self) -> None:
        """Stop serving and all work, and remove what was uploaded. Doing it twice is harmless."""
        if self._blocks.is_running:
            self._blocks.close(verbose=False)
        self.sessions.close()
        remove_folder(self.folder)
        if os.environ.get(UPLOADS) == str(self.folder / "uploads"):
            os.environ.pop(UPLOADS)
            if self._before is not None:
                os.environ[UPLOADS] = self._before
        atexit.unregister(self.close)


def serve(settings: PageSettings | None = None, *, open_browser: bool = False) -> Page:
    """Serve the page in the background.

    Args:
        settings: host, port, password, encoder and limits; None for the defaults.
        open_browser: open it in the user's browser.

    Raises:
        InputError: the port is taken, the address cannot be listened on, or Gradio cannot read the environment's proxies.
    """
    settings = settings or PageSettings()
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # read while Gradio is imported
    before = os.environ.get(UPLOADS)
    folder = make_folder("ui-")  # readable by this user only
    try:
        (folder / "uploads").mkdir()
        (folder / "sessions").mkdir()
        os.environ[UPLOADS] = str(folder / "uploads")
        with needs("page", "the page"):
            _check_proxies()  # Gradio's import fails where they cannot be used
            import gradio as gr

        # Read once, while Gradio was imported: it would make the folder of an earlier page of this process anew.
        gr.routes.DEFAULT_TEMP_DIR = str(folder / "uploads")
        gr.set_static_paths([folder / "sessions"])  # pictures and reports are served where they lie, without copies that would stay
        sessions = Sessions(folder / "sessions", folder / "uploads")
        blocks = build(settings, sessions)
        sessions.gone = partial(_forget, blocks)
        with _straight(gr):
            _launch(gr, blocks, settings, folder, open_browser)
    except BaseException:
        remove_folder(folder)
        raise
    page = Page(_address(settings.host, blocks.server_port), settings, sessions, folder, blocks, before)
    atexit.register(page.close)
    return page


def _check_proxies() -> None:
    import httpx

    try:
        httpx.Client().close()
    except (ImportError, ValueError, httpx.InvalidURL) as e:
        raise InputError(
            f"the page cannot start with the proxies of the environment (HTTP_PROXY, HTTPS_PROXY, ALL_PROXY, NO_PROXY): {e} "
            "Unset them for the page, or set NO_PROXY='*'"
        ) from e


@contextlib.contextmanager
def _straight(gr: Any) -> Iterator[None]:
    """Let Gradio ask its own server without the environment's proxies: none reaches this machine, and what one refuses ends the start."""
    modules = (gr.blocks, gr.networking)
    before = [module.httpx for module in modules]
    for module, httpx in zip(modules, before, strict=True):
        own = {name: partial(getattr(httpx, name), trust_env=False) for name in ("get", "head")}
        module.httpx = SimpleNamespace(**(vars(httpx) | own))
    try:
        yield
    finally:
        for module, httpx in zip(modules, before, strict=True):
            module.httpx = httpx


def _forget(blocks: Any, tab: str) -> None:
    """Let go of what Gradio holds of a tab, its results among it: by itself it would do so for none but the oldest of many thousands."""
    held = blocks.state_holder
    with held.lock:
        held.session_data.pop(tab, None)
        held.time_last_used.pop(tab, None)


def _launch(gr: Any, blocks: Any, settings: PageSettings, folder: Path, open_browser: bool) -> None:
    from starlette.middleware import Middleware

    hosts = LOOPBACK | {settings.host.lower()} if settings.loopback else None
    quota = SHARES * (settings.max_upload + settings.max_unpacked)
    guard = Middleware(Guard, hosts=hosts, max_upload=settings.max_upload, folder=folder, quota=quota)
    fonts = {"font": ["system-ui", "sans-serif"], "font_mono": ["ui-monospace", "monospace"]}  # Gradio's own come from a font server
    blocks.queue(max_size=32)
    try:
        blocks.launch(
            server_name=settings.host,
            server_port=settings.port or _free_port(settings.host),
            auth=(settings.user, settings.password) if settings.password else None,
            auth_message="This page compares sets of images. Ask whoever started it for the password." if settings.password else None,
            share=False,
            inbrowser=open_browser,
            quiet=True,
            prevent_thread_lock=True,
            show_error=False,
            footer_links=[],
            enable_monitoring=False,
            ssr_mode=False,
            pwa=False,
            mcp_server=False,
            max_file_size=settings.max_upload,
            state_session_capacity=MOST_TABS,
            app_kwargs={"middleware": [guard], "docs_url": None, "redoc_url": None, "openapi_url": None},
            theme=gr.themes.Default(**fonts),
            css=CSS,
        )
    except OSError as e:
        raise InputError(f"the page cannot listen on {settings.host}:{settings.port}: {e}; choose another --port") from e


def _free_port(host: str) -> int:
    import socket

    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        try:
            probe.bind((host, 0))
        except OSError as e:
            raise InputError(f"the page cannot listen on {host}: {e.strerror or e}") from e
        return int(probe.getsockname()[1])


def _address(host: str, port: int) -> str:
    return f"http://{f'[{host}]' if ':' in host else host}:{port}/"


_page: Page | None = None
_lock = threading.Lock()


def open_page(encoder: str = "fast") -> Page:
    """The page of this process, started where it is not served yet: for the App, whose server asks again and again."""
    global _page
    with _lock:
        if _page is None or not _page._blocks.is_running:
            # The server's working folder is FiftyOne's own: nobody's images are there.
            _page = serve(PageSettings(encoder=encoder, roots=(Path.home(),)))
        return _page
