"""A blocking call with a progress callback → the generator that draws the App's bar."""

from __future__ import annotations

import queue
import threading
import time
import uuid
from collections.abc import Callable, Generator
from typing import Any, NamedTuple, TypeVar

from latentdiff.errors import Cancelled, LatentDiffError, sentence
from latentdiff.progress import Progress

T = TypeVar("T")

PANEL = "latentdiff_panel"
ASKED_EVERY = 1.0
"""Seconds between two looks at whether a delegated run was cancelled."""


class Early(NamedTuple):
    """What work gave as a first answer."""

    answer: Any


def shown(ctx: Any, work: Callable[..., T], *, early: bool = False) -> Generator[Any, None, T]:
    """Run ``work(progress)`` and yield what draws its progress: the App's bar, or the delegated run's record.

    Args:
        ctx: the operator's ``ExecutionContext``.
        work: takes a progress callback.
        early: whether it takes another one, for a first answer. Once that is there the bar goes, and the panel that is told shows it; a
            delegated run has none.

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
    steps, dialog, there = live(work, early=early), uuid.uuid4().hex, False
    while True:
        try:
            step = next(steps)
        except StopIteration as finished:
            if not there:
                yield _bar(ctx, dialog, 1.0, "done", ends="done")
            return finished.value
        except LatentDiffError as e:
            # Said in the App first: an error in mid-stream reaches the browser as a broken connection only.
            if not there:
                yield _bar(ctx, dialog, 1.0, "stopped", ends="done")
            yield ctx.ops.notify(sentence(e), variant="error")
            raise
        if isinstance(step, Early):
            there = True
            yield ctx.ops.reload_dataset()
            yield _bar(ctx, dialog, 1.0, "first answer", ends="early")
        else:
            # Where the bar is gone something is sent all the same: only so it is noticed that nobody listens any more.
            yield ctx.ops.console_log(step[1]) if there else _bar(ctx, dialog, *step)


def tell(ctx: Any, said: str) -> Generator[Any, None, None]:
    """Yield what says a verdict in the App where the panel, which says it too, is not open."""
    if ctx.spaces is None or PANEL not in str(ctx.spaces.to_dict()):
        yield ctx.ops.notify(said, variant="success")


def _bar(ctx: Any, dialog: str, fraction: float, label: str, *, ends: str = "") -> Any:
    """FiftyOne's dialog with a bar, as its ``set_progress`` draws it; below it what cancels the work, and closes the dialog at its end.

    ``ends``: "done", or "early": the dialog closes, and the panel is told that a first answer is there.
    """
    from fiftyone.operators import types

    outputs = types.Object()
    outputs.float("progress", view=types.ProgressView(label=label))
    told = {"operator": ctx.operator_uri, "work": dialog, "ends": ends}
    outputs.view("ends", types.View(component="LatentDiffRunning", composite_view=True, **told))
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


def live(work: Callable[..., T], *, early: bool = False) -> Generator[Any, None, T]:
    """Run ``work(progress)`` in a thread and yield its (fraction, label) as they come, one per percent or new label.

    With ``early`` it is called as ``work(progress, first)``, and what it gives ``first`` is yielded as an :class:`Early`. When the consumer
    stops early (a closed App tab), the next progress call in the thread raises ``Cancelled``.

    Returns:
        What ``work`` returns; what it raises is raised here.
    """
    events: queue.SimpleQueue[tuple[str, Any]] = queue.SimpleQueue()
    stopped = threading.Event()

    def report(fraction: float, label: str) -> None:
        if stopped.is_set():
            raise Cancelled("stopped in the App")
        events.put(("progress", (fraction, label)))

    def first(answer: Any) -> None:
        events.put(("early", answer))

    def run() -> None:
        try:
            events.put(("done", work(report, first) if early else work(report)))
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
            if kind == "early":
                yield Early(value)
            elif last != (int(100 * value[0]), value[1]):
                last = (int(100 * value[0]), value[1])
                yield value
    finally:
        stopped.set()
        thread.join()
