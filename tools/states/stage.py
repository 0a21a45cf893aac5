"""One window, and how its pictures are taken: of each state at each width in each theme, without walking there anew."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from tests.browser.panel_app import App
from tests.browser.scenes import Scenes

WIDTHS = (1920, 1280, 640)
NARROW = 640
LEAST, MOST = 800, 2000
"""Pixels of height: as much as there is to see, within these."""
THEMES = ("dark", "light")
ALONE = """
    html, body, #root { min-width: 0 !important }
    div:has(> [data-cy=sidebar-column]), .split-view-view:has([data-cy=panel-content-Samples]) { display: none !important }
    .split-view-view:has([data-cy=panel-content-latentdiff_panel]) { left: 0 !important; width: 100% !important }
"""
"""At 640 pixels the panel has the window for itself: curators close the grid and the sidebar, or draw the panel wider."""
PANEL = "document.querySelector('[data-cy=panel-content-latentdiff_panel]')"
CONTENT = f"""() => {{
    const place = document.querySelector('[role=dialog]') || {PANEL}
    const boxes = [...place?.querySelectorAll('*') || []].filter(e => getComputedStyle(e).overflowY === 'auto' && e.clientHeight > 200)
    const most = boxes.sort((a, b) => b.scrollHeight - a.scrollHeight)[0]
    return most ? most.scrollHeight + innerHeight - most.clientHeight : 0 }}"""
"""How high the window has to be for the whole panel, or the whole form, to be seen."""
DRAWN = f"""() => {{ const all = (what) => [...({PANEL}?.querySelectorAll(what) || [])]
    const plotted = (plot) => plot.querySelector('.point, .heatmaplayer image, .legend')
    return all('img').every(i => i.complete) && all('.js-plotly-plot').every(plotted) }}"""
"""Whether pictures and plots are there."""
CLIP = f"""() => {{
    const boxes = [document.querySelector('[role=dialog]'), {PANEL}, document.documentElement]
    const box = boxes.find(e => e?.getBoundingClientRect().width).getBoundingClientRect()
    const x = Math.max(0, box.x), y = Math.max(0, box.y)
    return {{x, y, width: Math.min(innerWidth - x, box.width), height: Math.min(innerHeight - y, box.height)}} }}"""
"""The dialog where there is one, else the panel."""
STYLE = """css => { const own = document.getElementById('alone') || document.createElement('style')
    own.id = 'alone'; own.textContent = css; document.head.append(own) }"""
LOOKS = (Path(__file__).parent / "looks.js").read_text(encoding="utf8")


@dataclass
class Stage:
    """What a state's function gets."""

    app: App
    session: Any
    scenes: Scenes
    folder: Path
    datasets: dict[str, Any] = field(default_factory=dict)
    noted: list[str] = field(default_factory=list)
    theme: str = "dark"
    undoing: list[Callable[[], None]] = field(default_factory=list)

    def after(self, undo: Callable[[], None]) -> None:
        """Do this once the state's pictures are taken; what was noted last comes first."""
        self.undoing.append(undo)

    def leave(self) -> None:
        """Undo what the state did."""
        while self.undoing:
            self.undoing.pop()()

    @property
    def page(self) -> Any:
        return self.app.page

    def take(self, name: str) -> None:
        """All pictures of the state that the window is in."""
        self.page.mouse.move(2, 2)  # what it lies on has a tooltip
        there = [(self.theme, width) for width in WIDTHS]
        back = [(theme, width) for theme in THEMES if theme != self.theme for width in WIDTHS[::-1]]
        for theme, width in there + back:
            self._show(theme)
            self._resize(width)
            self.page.screenshot(path=self.folder / f"{name}_{width}_{theme}.png", clip=self.page.evaluate(CLIP))
            self.noted += [f"{name} {width} {theme}: {said}" for said in self.page.evaluate(LOOKS)]
        for width in WIDTHS:
            beside([self.folder / f"{name}_{width}_{theme}.png" for theme in THEMES], self.folder / f"{name}_{width}.png")

    def _show(self, theme: str) -> None:
        """Click the App's own switch; a dialog's backdrop lies above it, so not with the mouse."""
        if theme == self.theme:
            return
        icon = "LightModeIcon" if theme == "light" else "DarkModeIcon"
        self.page.evaluate(f"document.querySelector('[data-testid={icon}]').closest('button').click()")
        self.page.wait_for_selector(f"[data-testid={'DarkModeIcon' if theme == 'light' else 'LightModeIcon'}]", state="attached")
        self.theme = theme

    def _resize(self, width: int) -> None:
        self.page.evaluate(STYLE, ALONE if width == NARROW else "")
        self.page.set_viewport_size({"width": width, "height": 1000})
        self.page.wait_for_timeout(500)
        height = 1000
        for _ in range(4):  # until what is drawn anew for the width stands still
            wanted = max(LEAST, min(MOST, int(self.page.evaluate(CONTENT) or 1000)))
            if abs(wanted - height) < 8:
                break
            height = wanted
            self.page.set_viewport_size({"width": width, "height": height})
            self.page.wait_for_timeout(400)
        self.page.wait_for_function(DRAWN)


def beside(pictures: list[Path], out: Path) -> None:
    """Both themes of a state in one picture, without what is empty below."""
    parts = [Image.open(path).convert("RGB") for path in pictures]
    parts = [part.crop((0, 0, part.width, _end(part))) for part in parts]
    whole = Image.new("RGB", (sum(p.width for p in parts), max(p.height for p in parts)), "grey")
    x = 0
    for part in parts:
        whole.paste(part, (x, 0))
        x += part.width
    whole.save(out)
    for path in pictures:
        path.unlink()


def _end(picture: Image.Image) -> int:
    """Where the last line of a picture is that is not empty, and a little more."""
    rows = np.asarray(picture)[:, 4:-24].astype(int)
    full = np.flatnonzero(np.abs(rows - rows[-1:]).max(axis=(1, 2)) > 8)
    return min(picture.height, int(full[-1]) + 24) if len(full) else picture.height


State = Callable[[Stage], None]
