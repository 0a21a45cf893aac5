"""A blocking call with a progress callback → the generator that draws the App's bar."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Generator
from typing import Any, TypeVar

from latentdiff.errors import Cancelled, LatentDiffError
from latentdiff.progress import Progress

T = TypeVar("T")

ASKED_EVERY = 1.0
"""Seconds between two looks at whether a delegated run was cancelled."""


def shown(ctx: Any, work: Callable[[Progress], T]) -> Generator[Any, None, T]:
    """Run ``work(progress)`` and yield what draws its progress: the App's bar, or the delegated run's record.

    Args:
        ctx: the operator's ``ExecutionContext``.
        work: takes a progress callback.

    Returns:
        What ``work`` returns. A ``LatentDiffError`` is said in the App and raised again.
    """
    steps = live(_cancellable(ctx, work) if ctx.delegated else work)
    while True:
        try:
            fraction, label = next(steps)
        except StopIteration as finished:
            return finished.value
        except LatentDiffError as e:
            # Said in the App first: an error in mid-stream reaches the browser as a broken connection only.
            if not ctx.delegated:
                yield ctx.ops.notify(str(e), variant="error")
            raise
        if ctx.delegated:
            ctx.set_progress(fraction, label)
        else:
            yield ctx.ops.set_progress(progress=fraction, label=label)


def _cancellable(ctx: Any, work: Callable[[Progress], T]) -> Callable[[Progress], T]:
    """The same work, which stops once its delegated run is no longer wanted: FiftyOne itself only ends workers that it monitors."""
    from fiftyone_plugin import delegated

    def watched(progress: Progress) -> T:
        asked = time.monotonic()

        def report(fraction: float, label: str) -> None:
            nonlocal asked
            if time.monotonic() - asked >= ASKED_EVERY:
                asked = time.monotonic()
                if delegated.cancelled(ctx._delegated_operation_id):
                    raise Cancelled("cancelled in the App")
            progress(fraction, label)

        return work(report)

    return watched


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
            raise Cancelled("stopped in the App")
        events.put(("progress", (fraction, label)))

    def run() -> None:
        try:
            events.put(("done", work(report)))
        except BaseException as e:
            events.put(("failed", e))

    thread = threading.Thread(target=run, name="latentdiff-work", daemon=True)
    thread.start()
    last: tuple[int, str] | None = None
    try:
        while True:
            kind, value = events.get()
            if kind == "done":
                return value
            if kind == "failed":
                raise value
            if last != (int(100 * value[0]), value[1]):
                last = (int(100 * value[0]), value[1])
                yield value
    finally:
        stopped.set()
        thread.join()
