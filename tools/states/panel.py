"""The panel's states, one small function each; every one can be entered from any other of its dataset."""

from __future__ import annotations

from .stage import Stage, State


def _open(stage: Stage, run: str, tab: str = "Differences") -> None:
    stage.app.start(stage.session, stage.scenes.dataset, run, stage.scenes.views[0]) if run == "second_try" else _other(stage, run)
    if tab != "Differences":
        stage.app.tab(tab)


def _other(stage: Stage, run: str) -> None:
    _open(stage, "second_try")
    stage.app.open_comparison(run)
    stage.app.opened(run)
    stage.page.wait_for_timeout(1500)


def no_vectors(stage: Stage) -> None:
    """A dataset that nobody has computed vectors for."""
    stage.app.open(stage.datasets["empty"].name, "this dataset has none yet")


def no_comparison(stage: Stage) -> None:
    """Vectors, but no comparison."""
    stage.app.open(stage.datasets["bare"].name, "Read here what differs")


def differs(stage: Stage) -> None:
    """Cards of both sides."""
    _open(stage, "second_try")


STATES: dict[str, State] = {f.__name__: f for f in (no_vectors, no_comparison, differs)}
