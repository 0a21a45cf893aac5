"""What plots draw, on its way to the App."""

from __future__ import annotations

from typing import Any


def send_traces(ctx: Any, place: str, traces: list[dict[str, Any]]) -> None:
    """Let a plot draw these traces and nothing else.

    With every choice made in the panel the App copies what it draws into the panel's state, and draws what is sent merged into that copy,
    lists place by place: points of a larger comparison, a scale or a legend would stay beside those of the next. So the copy goes first.
    """
    ctx.panel.set_state(place, None)
    ctx.panel.set_data(place, traces)
