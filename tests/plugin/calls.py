"""Operators and panel methods as the App calls them, without a browser."""

from __future__ import annotations

import itertools
import json
from typing import Any

import fiftyone.operators as foo

URI = "@latentdiff/latentdiff"
NUMBERS = itertools.count(2)
"""Of windows, of which each has a panel of its own."""


def execute(operator: str, dataset: Any, **params: Any) -> Any:
    return foo.execute_operator(f"{URI}/{operator}", {"dataset": dataset, "params": params})


def form(operator: str, dataset: Any, **params: Any) -> dict[str, Any]:
    """The form that the App draws for what has been typed so far: the properties, by name."""
    from fiftyone.server.app import app
    from starlette.testclient import TestClient

    body = {"operator_uri": f"{URI}/{operator}", "target": "inputs", "dataset_name": dataset.name, "params": params}
    answer = TestClient(app).post("/operators/resolve-type", json=body).json()
    return answer["type"]["properties"]


def panel(dataset: Any, method: str, state: dict[str, Any] | None = None, **params: Any) -> list[dict[str, Any]]:
    """What a panel's method asks the App to do, but for drawing the panel anew, which always comes last."""
    return _asked(dataset, method, state, **params)[:-1]


def _asked(
    dataset: Any, method: str, state: dict[str, Any] | None, at: str = "p1", view: Any = None, **params: Any
) -> list[dict[str, Any]]:
    state = json.loads(json.dumps(state or {}))  # a method writes into it
    call = {"__method__": method, "panel_id": at, "panel_state": state, **params}
    context = {"dataset": dataset, "params": call, "panel_id": at, "panel_state": state, **({} if view is None else {"view": view})}
    result = foo.execute_operator(f"{URI}/latentdiff_panel", context)
    requests = result.executor.to_json()["requests"]
    json.dumps(requests, allow_nan=False)
    drawn = [i for i, request in enumerate(requests) if request["operator_uri"].endswith("show_panel_output")]
    assert drawn in ([], [len(requests) - 1]) and (drawn or not requests)
    return requests


class Window:
    """The panel in one window of the App: its state, and which drawing is seen."""

    def __init__(self, dataset: Any) -> None:
        self.dataset, self.at = dataset, f"p{next(NUMBERS)}"
        self.state: dict[str, Any] = {}
        self.drawn: str | None = None
        self.take(self.ask("on_load"))

    def ask(self, method: str, **params: Any) -> list[dict[str, Any]]:
        """What a method answers now; nothing is seen of it before :meth:`take`."""
        return _asked(self.dataset, method, self.state, self.at, **params)

    def look(self) -> list[dict[str, Any]]:
        """The timer's turn."""
        requests = self.ask("look", drawn=self.drawn)
        self.take(requests)
        return requests

    def take(self, requests: list[dict[str, Any]]) -> None:
        self.state |= shown(requests)
        for request in requests:
            if request["operator_uri"].endswith("show_panel_output"):
                properties = request["params"]["output"]["type"]["properties"]
                self.drawn = next(p["view"]["params"]["drawn"] for name, p in properties.items() if name.startswith("timer"))


def shown(requests: list[dict[str, Any]]) -> dict[str, Any]:
    """The panel's state after its requests."""
    out: dict[str, Any] = {}
    for request in requests:
        if request["operator_uri"].endswith("patch_panel_state"):
            out |= request["params"]["state"]
    return out
