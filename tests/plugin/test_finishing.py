"""Finishing a first answer gives what was asked for, or says why it cannot; words wait, and the command line tells what stays."""

from __future__ import annotations

import json
from typing import Any

import pytest

from fiftyone_plugin import (
    compare_views,
    delete_comparison,
    finish_comparison,
    judge_finding,
    list_comparisons,
    name_comparison,
    rename_comparison,
)
from latentdiff import Cancelled, DescribeConfig, InputError, MethodConfig, RunError
from latentdiff.cli.main import main
from latentdiff.sae import spaces
from tests.planted import WORDS
from tests.plugin.calls import Window, form
from tests.plugin.test_first_answer import SIDES, at_once

__all__ = ["at_once"]


def stopped(dataset: Any, words: str, **options: Any) -> None:
    """Store a first answer whose final one was stopped."""
    there: list[Any] = []

    def progress(fraction: float, label: str) -> None:
        if there:
            raise Cancelled("enough")

    with pytest.raises(Cancelled):
        wanted = {**SIDES, **options, "progress": progress, "first": there.append}
        compare_views(dataset, "summer", "winter", run="seasons", vocabulary=words, **wanted)


def test_what_the_sides_were_chosen_by_is_no_field_of_the_finished_one(dataset: Any, files: dict[str, str]) -> None:
    dataset.set_values("camera", ["front" if i % 2 else "rear" for i in range(len(dataset))])
    stopped(dataset, files["vocabulary"], fields="all")
    run = finish_comparison(dataset, "seasons")
    plain = compare_views(dataset, "summer", "winter", run="plain", vocabulary=files["vocabulary"], fields="all", **SIDES)
    assert [d.name for d in plain.comparison.tested_fields] == [d.name for d in run.comparison.tested_fields] != []
    assert run.comparison.info["fields"] == plain.comparison.info["fields"] and run.comparison.fields == plain.comparison.fields


def test_captions_are_not_dropped_by_finishing(dataset: Any, files: dict[str, str]) -> None:
    dataset.set_values("caption", [f"a {WORDS[i % 7]} and a {WORDS[i % 5]}" for i in range(len(dataset))])
    config = MethodConfig(describe=DescribeConfig(captioner="given"))
    stopped(dataset, files["vocabulary"], config=config, captions="caption")
    with pytest.raises(InputError, match="captions or a language model"):
        finish_comparison(dataset, "seasons")
    assert "captions" in form("finish_comparison", dataset, run="seasons")["run"]["error_message"]


def test_words_wait_for_the_final_answer(dataset: Any, vocabulary: Any) -> None:
    def first(run: Any) -> None:
        with pytest.raises(InputError, match="being made; wait"):
            name_comparison(dataset, "seasons", vocabulary)
        window = Window(dataset)
        assert window.state["shown"]["board"]["first"]["going"] and not window.state["shown"]["board"]["unnamed"]

    run = compare_views(dataset, "summer", "winter", run="seasons", first=first, **SIDES)
    assert not run.comparison.provisional and name_comparison(dataset, "seasons", vocabulary).comparison.info["words"]


def test_the_command_line_tells_it(dataset: Any, files: dict[str, str], monkeypatch: Any, capsys: Any) -> None:
    def interrupted(*args: Any, **options: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(spaces, "train_sae", interrupted)
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    sides = [f"{dataset.name}:summer", f"{dataset.name}:winter", "--embeddings", "clip", "--run", "seasons"]
    assert main(["compare", *sides, "--vocabulary", files["vocabulary"], "--sae", "pair"]) == 130
    said = capsys.readouterr().err
    assert "the first answer stays, stored as run seasons" in said and "nothing was written" not in said
    assert main(["runs", dataset.name]) == 0 and "first" in capsys.readouterr().out
    assert main(["runs", dataset.name, "--json"]) == 0 and json.loads(capsys.readouterr().out)[0]["provisional"]


def test_renamed_meanwhile_the_final_answer_has_the_new_name(dataset: Any, vocabulary: Any) -> None:
    def first(run: Any) -> None:
        rename_comparison(dataset, "seasons", "mine")
        judge_finding(dataset, "mine", 0, state="accepted")

    run = compare_views(dataset, "summer", "winter", run="seasons", vocabulary=vocabulary, first=first, **SIDES)
    assert run.name == "mine" and [one.state for one in run.feedback] == ["accepted"]
    assert [(str(one), one.provisional) for one in list_comparisons(dataset)] == [("mine", False)]
    assert {name for name in dataset.get_field_schema() if "log_ratio" in name} == {"mine_log_ratio"}


def test_deleted_meanwhile_it_does_not_come_back(dataset: Any, vocabulary: Any) -> None:
    def first(run: Any) -> None:
        delete_comparison(dataset, "seasons")

    with pytest.raises(RunError, match="deleted or replaced meanwhile"):
        compare_views(dataset, "summer", "winter", run="seasons", vocabulary=vocabulary, first=first, **SIDES)
    assert list_comparisons(dataset) == [] and "seasons_log_ratio" not in dataset.get_field_schema()
