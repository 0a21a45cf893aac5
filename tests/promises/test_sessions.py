"""Tabs at once, each with uploads, a comparison and an end: all is as it was before, and nobody has seen what is another's."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import http.client
import io
import json
import os
import re
import threading
import time
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from fiftyone_plugin.panels.page.guard import _held
from fiftyone_plugin.panels.page.serve import Page, serve
from fiftyone_plugin.panels.page.settings import PageSettings
from PIL import Image

from tests.promises.test_web_page import compare, port_of, upload

IMAGES = 20
GROWTH = 150_000_000
"""Bytes of memory that allocators and caches may keep: a fifth of what one more encoder would take."""
IN_USE = 10_000_000
"""Bytes more that may be in use: without what allocators keep this is steady, and did not change by .1 MB in three rounds of four tabs."""


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Page]:
    page = serve(PageSettings(encoder="demo", roots=(tmp_path,)))
    yield page
    page.close()


def packed(colour: tuple[int, int, int], seed: int) -> bytes:
    """A zip file of noisy pictures."""
    rng, out = np.random.default_rng(seed), io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        for i in range(IMAGES):
            picture, pixels = io.BytesIO(), np.clip(np.array(colour) + rng.normal(0, 30, (24, 24, 3)), 0, 255)
            Image.fromarray(pixels.astype(np.uint8)).save(picture, "PNG")
            made.writestr(f"{i}.png", picture.getvalue())
    return out.getvalue()


class Tab:
    """An open tab: as long as its heartbeat is listened to."""

    def __init__(self, page: Page, name: str) -> None:
        self.page, self.name, self.port = page, name, port_of(page)
        self.beat = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        self.beat.request("GET", f"/gradio_api/heartbeat/{name}", headers={"Host": f"127.0.0.1:{self.port}"})
        self.answer = self.beat.getresponse()

    def work(self, number: int) -> str:
        """Upload two files, compare them, and say all that came back."""
        given = {}
        for letter, colour in (("a", (220, 40, 40)), ("b", (40, 60, 210))):
            name = f"tab{number:02d}{letter}x.zip"
            status, body = upload(self.port, packed(colour, 2 * number + (letter == "b")), name)
            assert status == 200, body
            given[f"zip_{letter}"] = {"path": json.loads(body)[0], "meta": {"_type": "gradio.FileData"}, "orig_name": name}
        return str(compare(self.port, self.name)(way="zips", **given, words="red\nblue\nstreet\nharbour", method="mean"))

    def close(self) -> None:
        """As the browser does."""
        self.answer.close()
        self.beat.close()


def held(page: Page) -> tuple[int, int, int, int]:
    """Files, tabs, threads of ours, and tabs that Gradio holds on to."""
    ours = sum(thread.name.startswith("latentdiff") for thread in threading.enumerate())
    return _held(page.folder)[1], len(page.sessions), ours, len(page._blocks.state_holder.session_data)


def memory() -> int:
    """Bytes that this process holds when everything idle is given back."""
    for _ in range(3):
        gc.collect()
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL("libc.so.6").malloc_trim(0)
    return int(psutil.Process().memory_info().rss)


def in_use() -> int:
    """Bytes that this process has of malloc and not given back; 0 where the C library does not say (glibc before 2.33, others)."""
    try:
        ask = ctypes.CDLL("libc.so.6").mallinfo2
    except (OSError, AttributeError):
        return 0
    ask.restype = type("Mallinfo2", (ctypes.Structure,), {"_fields_": [(f"n{i}", ctypes.c_size_t) for i in range(10)]})
    told = ask()
    return int(told.n4 + told.n7)  # mapped by themselves, and in the arenas


def rest(page: Page, wanted: tuple[int, int, int, int]) -> tuple[int, int, int, int]:
    """What is held once all tabs have ended, but for what Gradio leaves of each upload: an empty file, which goes two minutes later."""
    end = time.monotonic() + 30
    while held(page)[1:] != wanted[1:] and time.monotonic() < end:
        time.sleep(0.1)
    while held(page) != wanted and time.monotonic() < end:
        for path in (page.folder / "uploads").glob("tmp*"):
            assert path.stat().st_size == 0
            os.utime(path, (1, 1))
        page.sessions._sweep()
        time.sleep(0.1)
    return held(page)


def test_tabs_at_once(page: Page, faults: Any, torture: bool) -> None:
    """Twenty in the long campaign, two here, after as many that warmed the process up (there; one here)."""
    empty, (warm, count) = held(page), ((20, 20) if torture else (1, 2))
    assert empty[:2] == (1, 0)  # the mark of whose folder it is
    together(page, range(1, warm + 1))
    assert rest(page, empty) == empty
    before, used = memory(), in_use()
    told = together(page, range(warm + 1, warm + count + 1))
    assert rest(page, empty) == empty
    after, used_after = memory(), in_use()
    told_of = "; ".join(f"{then / 2**20:.1f} -> {now / 2**20:.1f}" for then, now in ((before, after), (used, used_after)))
    print(f"{count} tabs at once: MiB held, and in use: {told_of}")
    assert after - before < GROWTH and used_after - used < IN_USE, used_after - used
    folders = {number: set(re.findall(r"/sessions/([\w-]{10,})/", said)) for number, said in told.items()}
    for number, said in told.items():
        assert set(re.findall(r"tab(\d\d)[ab]x", said)) == {f"{number:02d}"}, said[-500:]
        assert len(folders[number]) == 1 and sum(bool(folders[number] & other) for other in folders.values()) == 1
        assert "differ" in said or "No detectable" in said
    faults.survived("a tab among others at once", count)


def together(page: Page, numbers: range) -> dict[int, str]:
    """What so many tabs are told that work at once; all are closed then."""
    tabs = {number: Tab(page, f"tab-{number}") for number in numbers}
    with ThreadPoolExecutor(len(tabs)) as pool:
        told = dict(zip(tabs, pool.map(lambda number: tabs[number].work(number), tabs), strict=True))
    assert len(page.sessions) == len(tabs)
    for tab in tabs.values():
        tab.close()
    return told
