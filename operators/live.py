"""A blocking call with a progress callback → the generator that draws the App's bar."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Generator
from typing import Any, TypeVar

from latentdiff.errors import Cancelled
from latentdiff.progress import Progress

T = TypeVar("T")


def live(work: Callable[[Progress], T]) -> Generator[tuple[float, str], None, T]:
    """Run ``work(progress)`` in a thread and yield its (fraction, label) as they come, one per percent or new label.

    When the consumer stops early (a closed App tab), the next progress call in the thread raises ``Cancelled``.

    Returns:
        What ``work`` returns; what it raises is raised here.
    """
    events: queue.SimpleQueue[tuple[str, Any]] = queue.SimpleQueue()
    stopped = threading.Event()

    def report(fraction: float, label: str) -> None:
        if stopped.is_set():
            raise Cancelled("the comparison was stopped; nothing was written")
        events.put(("progress", (fraction, label)))

    def run() -> None:
        try:
            events.put(("done", work(report)))
        except BaseException as e:
            events.put(("failed", e))

    thread = threading.Thread(target=run, name="latentdiff-work", daemon=True)
    thread.start()
    shown: tuple[int, str] | None = None
    try:
        while True:
            kind, value = events.get()
            if kind == "done":
                return value
            if kind == "failed":
                raise value
            if shown != (int(100 * value[0]), value[1]):
                shown = (int(100 * value[0]), value[1])
                yield value
    finally:
        stopped.set()
        thread.join()
