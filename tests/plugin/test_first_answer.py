"""A first answer is stored while the final one is made, shown, judged, and replaced in place; stopped, it stays and is finished."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fiftyone.operators.executor import ExecutionContext, Executor
from fiftyone_plugin.operators.compare_views import CompareViews

from fiftyone_plugin import compare_views, export_report, finish_comparison, form_nonce, judge_finding, list_comparisons, load_comparison
from fiftyone_plugin.listing import about
from fiftyone_plugin.store import runs, writers
from latentdiff import Cancelled, InputError
from latentdiff.comparing import first as module
from latentdiff.sae import spaces
from tests.planted import DOG, WORDS
from tests.plugin.calls import Window, execute, form

SIDES: dict[str, Any] = {"embeddings": "clip"}


@pytest.fixture(autouse=True)
def at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However few vectors, training counts as long; and no SAE is kept from another test."""
    monkeypatch.setattr(module, "LEAST", 0.0)
    monkeypatch.setattr(module, "TIMES", 0.0)
    monkeypatch.setattr(module, "STEPS", 25)
    monkeypatch.setenv("LATENTDIFF_CACHE", str(tmp_path / "cache"))


def found(run: Any) -> list[tuple[Any, ...]]:
    return [(h.side, h.source, h.text, h.concept, h.rate_a, h.rate_b, h.q_value) for h in run.candidates]


def test_it_is_stored_and_replaced_with_what_was_said(dataset: Any, vocabulary: Any) -> None:
    seen: list[Any] = []

    def first(run: Any) -> None:
        (listed,) = list_comparisons(dataset)
        assert listed.provisional and listed.going_on and "first answer" in about(listed)
        assert run.comparison.provisional and load_comparison(dataset, "seasons").comparison.provisional
        with pytest.raises(InputError, match="being made; wait"):
            finish_comparison(dataset, "seasons")
        seen.append(judge_finding(dataset, "seasons", 0, state="accepted", name="a dog", note="sure"))

    run = compare_views(dataset, "summer", "winter", run="seasons", vocabulary=vocabulary, first=first, **SIDES)
    (early,) = seen
    assert early.hypotheses[0].text == run.hypotheses[0].text == WORDS[DOG] and early.hypotheses[0].concept is not None
    (listed,) = list_comparisons(dataset)
    assert str(listed) == "seasons" and not listed.provisional and "first answer" not in about(listed) and not run.comparison.provisional
    (said,) = run.feedback
    assert (said.name, said.state, said.note, said.concept) == ("a dog", "accepted", "sure", run.hypotheses[0].concept)
    plain = compare_views(dataset, "summer", "winter", run="plain", vocabulary=vocabulary, **SIDES)
    assert found(plain) == found(run) and not list_comparisons(dataset)[0].provisional
    np.testing.assert_array_equal(plain.comparison.log_ratio_a, run.comparison.log_ratio_a)
    assert dataset.values("seasons_log_ratio") == dataset.values("plain_log_ratio")
    assert {name for name in dataset.get_field_schema() if name.startswith("seasons")} == {"seasons_log_ratio", "seasons_concepts"}


def test_stopped_it_stays_and_is_finished(dataset: Any, vocabulary: Any, files: dict[str, str], tmp_path: Path) -> None:
    there: list[Any] = []

    def progress(fraction: float, label: str) -> None:
        if there:
            raise Cancelled("enough")

    words = files["vocabulary"]
    with pytest.raises(Cancelled, match="enough"):
        compare_views(dataset, "summer", "winter", run="seasons", vocabulary=words, progress=progress, first=there.append, **SIDES)
    (listed,) = list_comparisons(dataset)
    assert listed.provisional and not listed.going_on
    report = Path(export_report(dataset, "seasons", tmp_path / "report.md")).read_text(encoding="utf8")
    assert "First answer: summer and winter differ" in report
    judge_finding(dataset, "seasons", 0, state="rejected")
    window = Window(dataset)
    first = window.state["shown"]["board"]["first"]
    assert (first["going"], first["finish"]) == (False, True) and "stopped" in first["text"]
    (prompt,) = [r["params"] for r in window.ask("finish") if r["operator_uri"].endswith("prompt_user_for_operation")]
    assert prompt["operator_uri"].endswith("finish_comparison") and prompt["params"] == {"run": "seasons"}
    assert not form("finish_comparison", dataset, run="seasons")["run"].get("invalid")
    execute("finish_comparison", dataset, run="seasons")
    run = load_comparison(dataset, "seasons")
    plain = compare_views(dataset, "summer", "winter", run="plain", vocabulary=words, **SIDES)
    assert found(run) == found(plain) and not run.comparison.provisional and [one.state for one in run.feedback] == ["rejected"]
    assert not list_comparisons(dataset)[-1].provisional and window.look() and window.state["shown"]["board"]["first"] is None
    with pytest.raises(InputError, match="nothing to finish"):
        finish_comparison(dataset, "seasons")
    assert "nothing to finish" in form("finish_comparison", dataset, run="seasons")["run"]["error_message"]


def test_what_is_replaced_stays_until_the_final_answer(dataset: Any, vocabulary: Any, stored: Any) -> None:
    seen: list[Any] = []
    compare_views(dataset, "summer", "winter", run="seasons", vocabulary=vocabulary, overwrite=True, first=seen.append, **SIDES)
    assert seen == [] and "kept" in load_comparison(dataset, "seasons").comparison.info["sae"]


def test_a_concept_of_another_sae_is_known_by_its_words(dataset: Any, vocabulary: Any, stored: Any) -> None:
    judge_finding(dataset, "seasons", 0, name="a dog")
    lost = next(h for h in stored.candidates if h.source == "sae" and h.text != stored.hypotheses[0].text)
    judge_finding(dataset, "seasons", lost, note="gone")
    run = compare_views(dataset, "summer", "winter", run="seasons", vocabulary=vocabulary, overwrite=True, **SIDES)
    told = {(one.text, one.name, one.note) for one in run.feedback}
    assert (WORDS[DOG], "a dog", "") in told
    assert not any(note and text != lost.text for text, _, note in told)


def compared(dataset: Any, files: dict[str, str]) -> Generator[Any, None, Any]:
    """What the operator sends, step by step."""
    answers = {"kind_a": "view", "kind_b": "view", "view_a": "summer", "view_b": "winter", "embeddings": "clip", "run": "seasons"}
    params = {**answers, "words": "file", "vocabulary": files["vocabulary"], "concepts": "pair", **form_nonce.parameter()}
    context = {"dataset_name": dataset.name, "params": params}
    return CompareViews().execute(ExecutionContext(context, executor=Executor()))


def is_early(message: Any) -> bool:
    """Whether it closes the bar, and tells the panel that a first answer is there."""
    return "'ends': 'early'" in str(message.body.params)


@pytest.fixture
def looked_at(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Set once the first answer was looked at: the training of the final one waits for it."""
    done, train = threading.Event(), spaces.train_sae

    def waits(*args: Any, **options: Any) -> Any:
        assert done.wait(300)
        return train(*args, **options)

    monkeypatch.setattr(spaces, "train_sae", waits)
    yield done
    done.set()


def test_the_panel_shows_it_and_keeps_what_was_chosen(dataset: Any, files: dict[str, str], looked_at: threading.Event) -> None:
    window = Window(dataset)
    window.take(window.ask("compare"))
    steps = compared(dataset, files)
    sent = []
    for message in steps:
        sent.append(message)
        if is_early(message):
            break
    assert [m.body.operator_uri.split("/")[-1] for m in sent[-2:]] == ["reload_dataset", "show_output"]
    requests = window.ask("came_early")
    window.take(requests)
    board = window.state["shown"]["board"]
    assert board["name"] == "seasons" == window.state["run"]
    assert board["first"]["going"] and "better concepts come in" in board["first"]["text"]
    assert board["verdict"].startswith("First answer: summer and winter differ")
    (card,) = [c for side in "AB" for c in board["sides"][side]["cards"] if c["text"] == WORDS[DOG]]
    window.take(window.ask("unfold", run="seasons", rank=card["rank"]))
    window.take(window.ask("show", run="seasons", rank=card["rank"], side="A"))
    shown = window.state["grid_shows"]
    window.take(window.ask("accept", run="seasons", rank=card["rank"], **form_nonce.parameter()))
    looked_at.set()
    rest = [m.body.operator_uri.split("/")[-1] for m in steps]
    assert "reload_dataset" not in rest and "show_output" not in rest  # neither the grid nor a dialog
    requests = window.ask("compared")
    assert not [r for r in requests if r["operator_uri"].endswith(("clear_view", "set_view"))]
    window.take(requests)
    board = window.state["shown"]["board"]
    assert board["first"] is None and not board["verdict"].startswith("First answer") and window.state["grid_shows"] == shown
    (card,) = [c for side in "AB" for c in board["sides"][side]["cards"] if c["text"] == WORDS[DOG]]
    assert card["accepted"] and (window.state["detail"]["run"], window.state["detail"]["rank"]) == ("seasons", card["rank"])
    assert load_comparison(dataset, "seasons").config["form"]["view_a"] == "summer"


def test_a_closed_window_leaves_the_first_answer(dataset: Any, files: dict[str, str], looked_at: threading.Event) -> None:
    steps = compared(dataset, files)
    assert any(map(is_early, steps))  # up to there
    looked_at.set()
    steps.close()
    (listed,) = list_comparisons(dataset)
    assert listed.provisional and not listed.going_on and listed.complete


def test_the_panel_waits_while_one_takes_anothers_place(dataset: Any, stored: Any) -> None:
    window = Window(dataset)
    with writers.working() as writer:
        runs.set_state(dataset, "seasons", runs.DELETING, writer=writer)
        assert window.look() == []
        runs.set_state(dataset, "seasons", runs.COMPLETE)
    judge_finding(dataset, "seasons", 0, state="accepted")
    assert window.look() and window.state["shown"]["board"]["name"] == "seasons"
