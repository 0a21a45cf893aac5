"""What runs by a request alone: nothing that writes or sends, until the request carries what the form holds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import fiftyone.operators as foo
import pytest
from fiftyone.operators.delegated import DelegatedOperationService
from fiftyone.server.app import app
from starlette.testclient import TestClient

from fiftyone_plugin import form_nonce, load_comparison
from tests.plugin.calls import URI, _asked, form, panel

OPERATORS = {o.name: o for o in foo.list_operators() if o.uri.startswith(f"{URI}/") and not isinstance(o, foo.Panel)}
GUARDED = sorted(name for name, operator in OPERATORS.items() if not operator.SHOWS_ONLY)
REFUSED = "does not come from a form of the App"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> None:
    """This process is the App's server."""
    monkeypatch.setattr(form_nonce, "served", lambda: True)


@pytest.fixture
def performed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of operators that did their work, which none does here."""
    names: list[str] = []
    for operator in OPERATORS.values():
        monkeypatch.setattr(type(operator), "perform", lambda self, ctx: names.append(self.name))
    return names


def request(name: str, dataset: Any, params: dict[str, Any], **more: Any) -> dict[str, Any]:
    """What the App's server answers."""
    body = {"operator_uri": f"{URI}/{name}", "dataset_name": dataset.name, "params": params, **more}
    answer: dict[str, Any] = TestClient(app, raise_server_exceptions=False).post("/operators/execute", json=body).json()
    return answer


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """No input but the nonce is asked for."""
    for operator in OPERATORS.values():
        monkeypatch.setattr(type(operator), "fill", lambda self, inputs, ctx: None)


def test_which_operators_show_only() -> None:
    assert sorted(set(OPERATORS) - set(GUARDED)) == ["open_page", "show_hypothesis"]
    for operator in map(type, OPERATORS.values()):  # none goes round the check
        assert [m.__qualname__ for m in (operator.execute, operator.resolve_run_name)] == [
            "FormOperator.execute",
            "FormOperator.resolve_run_name",
        ]


@pytest.mark.parametrize("name", GUARDED)
def test_a_request_needs_the_nonce_of_the_form(name: str, dataset: Any, server: None, bare: None, performed: list[str]) -> None:
    for params in ({}, {form_nonce.NAME: "guessed"}, {form_nonce.NAME: None}, {form_nonce.NAME: "ü"}):
        for more in ({}, {"delegated": True}):  # what only FiftyOne's own workers say
            assert REFUSED in request(name, dataset, params, **more)["error_message"]
    assert performed == []
    field = form(name, dataset)[form_nonce.NAME]
    assert field["view"]["component"] == form_nonce.COMPONENT and not field["required"]
    assert not request(name, dataset, {form_nonce.NAME: field["default"]}).get("error")
    assert performed == [name]


def test_what_only_shows_needs_none(dataset: Any, server: None, bare: None, performed: list[str]) -> None:
    for name in ("open_page", "show_hypothesis"):
        assert not request(name, dataset, {}).get("error")
    assert performed == ["open_page", "show_hypothesis"]
    assert form_nonce.NAME not in form("show_hypothesis", dataset)


def test_nothing_is_delegated_without_it(dataset: Any, server: None, bare: None, performed: list[str], monkeypatch: Any) -> None:
    dataset.persistent = True
    service = DelegatedOperationService()
    refused = request("compare_views", dataset, {}, request_delegation=True)
    assert REFUSED in refused["error_message"]
    assert service.list_operations(dataset_name=dataset.name) == []
    request("compare_views", dataset, form_nonce.parameter(), request_delegation=True)
    assert [o.label for o in service.list_operations(dataset_name=dataset.name)] == ["compare_views"]
    monkeypatch.setattr(form_nonce, "served", lambda: False)  # in the worker
    service.execute_queued_operations(dataset_name=dataset.name)
    assert performed == ["compare_views"]


def test_python_needs_none(dataset: Any, bare: None, performed: list[str]) -> None:
    foo.execute_operator(f"{URI}/delete_comparison", {"dataset": dataset, "params": {}})
    assert performed == ["delete_comparison"]


def test_buttons_that_run_without_a_form_pass_it_on(stored: Any, server: None) -> None:
    state = {"run": "seasons", "ask": {"row": {"phrase": "a dog"}}}
    (_, prompt) = panel(stored.dataset, "ask", state)
    assert prompt["params"]["skip_prompt"] and form_nonce.parameter().items() <= prompt["params"]["params"].items()
    requests = panel(stored.dataset, "set_aside", {}, run="seasons", known="dog")
    assert form_nonce.parameter().items() <= requests[-1]["params"]["params"].items()


def test_a_failure_is_dismissed_by_its_button_alone(dataset: Any, server: None, monkeypatch: Any) -> None:
    from fiftyone_plugin import delegated

    gone: list[str] = []
    monkeypatch.setattr(delegated, "dismiss", gone.append)
    waiting = delegated.Delegated("64b0f0f0f0f0f0f0f0f0f0f0", "later", delegated.FAILED, 0.0, "why")
    monkeypatch.setattr(delegated, "delegated_comparisons", lambda dataset: [waiting])
    for wrong in ({}, {form_nonce.NAME: "guessed"}):
        called = {"__method__": "dismiss", "panel_id": "p1", "panel_state": {}, "id": waiting.id, **wrong}
        answer = request("latentdiff_panel", dataset, called)
        assert REFUSED in str(answer) and gone == []
    (button,) = passed_on(_asked(dataset, "on_load", {})[-1], waiting.id)
    panel(dataset, "dismiss", {}, **button)
    assert gone == [waiting.id]


def test_findings_are_judged_by_their_buttons_alone(stored: Any, server: None) -> None:
    at = {"panel_id": "p1", "panel_state": {"run": "seasons"}, "run": "seasons", "rank": 0}
    for method in ("accept", "reject", "readmit", "undo"):
        for wrong in ({}, {form_nonce.NAME: "guessed"}):
            assert REFUSED in str(request("latentdiff_panel", stored.dataset, {"__method__": method, **at, **wrong}))
    assert load_comparison(stored.dataset, "seasons").feedback == ()
    drawn = str(_asked(stored.dataset, "on_load", {})[-1])
    assert "'rank': 0, 'side': 'A'" in drawn and form_nonce.parameter()[form_nonce.NAME] in drawn
    panel(stored.dataset, "accept", {"run": "seasons"}, run="seasons", rank=0, **form_nonce.parameter())
    assert load_comparison(stored.dataset, "seasons").feedback[0].state == "accepted"


def passed_on(drawn: Any, record: str) -> Iterator[dict[str, Any]]:
    """What the buttons of a drawing pass on that are about a record."""
    values = drawn.values() if isinstance(drawn, dict) else drawn if isinstance(drawn, list) else ()
    if isinstance(drawn, dict) and drawn.get("id") == record and "state" not in drawn:
        yield drawn
    for value in values:
        yield from passed_on(value, record)
