"""A blocking call with a progress callback → the generator that draws the App's bar."""

from __future__ import annotations

import queue
import threading
import time
import uuid
from collections.abc import Callable, Generator
from typing import Any, TypeVar

from latentdiff.errors import Cancelled, LatentDiffError
from latentdiff.progress import Progress

T = TypeVar("T")

PANEL = "latentdiff_panel"
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
    if ctx.delegated:
        steps = live(_cancellable(ctx, work))
        while True:
            try:
                ctx.set_progress(*next(steps))
            except StopIteration as finished:
                return finished.value
    steps, dialog = live(work), uuid.uuid4().hex
    while True:
        try:
            fraction, label = next(steps)
        except StopIteration as finished:
            yield _bar(ctx, dialog, 1.0, "done", done=True)
            return finished.value
        except LatentDiffError as e:
            # Said in the App first: an error in mid-stream reaches the browser as a broken connection only.
            yield _bar(ctx, dialog, 1.0, "stopped", done=True)
            yield ctx.ops.notify(str(e), variant="error")
            raise
        yield _bar(ctx, dialog, fraction, label)


def tell(ctx: Any, said: str) -> Generator[Any, None, None]:
    """Yield what says a verdict in the App where the panel, which says it too, is not open."""
    if ctx.spaces is None or PANEL not in str(ctx.spaces.to_dict()):
        yield ctx.ops.notify(said, variant="success")


def _bar(ctx: Any, dialog: str, fraction: float, label: str, *, done: bool = False) -> Any:
    """FiftyOne's dialog with a bar, as its ``set_progress`` draws it; below it what cancels the work, and closes the dialog at its end."""
    from fiftyone.operators import types

    outputs = types.Object()
    outputs.float("progress", view=types.ProgressView(label=label))
    ends = types.View(component="LatentDiffRunning", composite_view=True, operator=ctx.operator_uri, work=dialog, done=done)
    outputs.view("ends", ends)
    return ctx.ops.show_output(types.Property(outputs).to_json(), {"progress": fraction})


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
