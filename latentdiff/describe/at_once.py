"""Several questions to a server at the same time, while the caller looks whether the user has cancelled."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from typing import TypeVar

from ..errors import Cancelled
from ..progress import Progress
from .endpoint import TICK

Item = TypeVar("Item")
Result = TypeVar("Result")


def at_once(items: Sequence[Item], ask: Callable[[Item, Progress], Result], threads: int, progress: Progress, label: str) -> list[Result]:
    """``[ask(item, progress) for item in items]``, so many at a time.

    Args:
        items: what is asked about.
        ask: one question; it hands the progress that it is given to the endpoint, which ends its waiting by it.
        threads: questions at the same time, >= 1.
        progress: called in the caller's thread, many times a second, with fraction 0; raise :class:`~latentdiff.errors.Cancelled` in it to
            stop.
        label: what is going on.
    """
    stop = threading.Event()

    def look(fraction: float, label: str) -> None:
        if stop.is_set():
            raise Cancelled("the questions were stopped")

    with ThreadPoolExecutor(threads, thread_name_prefix="latentdiff-questions") as pool:
        futures = [pool.submit(ask, item, look) for item in items]
        try:
            while wait(futures, TICK).not_done:
                progress(0.0, label)
        except BaseException:
            stop.set()
            raise
    return [f.result() for f in futures]
