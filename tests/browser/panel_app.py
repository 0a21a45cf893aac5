"""One window of a headless Chromium with the App in it: what the tests of the panel do there, and wait for."""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path
from typing import Any

from tests.browser.served import PATIENCE

OFFLINE = ("ERR_NAME_NOT_RESOLVED", "ERR_INTERNET_DISCONNECTED", "ERR_NAME_RESOLUTION_FAILED", "entry is loading")
"""The App looks for fonts and news of its own, and reloads its sidebar with a complaint; nothing of ours asks the network for anything."""
PICTURES = bool(os.environ.get("LATENTDIFF_PICTURES"))
"""Whether each state that the tests pass through is kept as a picture: to be looked at, no test needs it."""


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
