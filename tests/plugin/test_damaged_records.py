"""Records and results that are damaged, or of another build: said in words, with what to do; listed, and deleted, all the same."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterator
from typing import Any

import gridfs
import pytest
from bson import json_util

from fiftyone_plugin import delete_comparison, hypotheses, judge_finding, list_comparisons, load_comparison, load_groups
from fiftyone_plugin.listing import about, details, found_in
from fiftyone_plugin.questions import kept_questions
from fiftyone_plugin.store import database, feedback, runs
from latentdiff.errors import CheckpointError, LatentDiffError
from tests.plugin.calls import panel, shown

PYTHON = re.compile(r"\b[A-Z]\w*(Error|Exception|Warning|File)\b|object has no|subscriptable|NoneType")
"""What only programmers understand."""
MISSING = object()
ODD = (MISSING, 7, ["x"], [{}], "x", {})


def changed(config: dict[str, Any], path: tuple[str, ...], value: Any) -> dict[str, Any]:
    out = copy.deepcopy(config)
    at = out
    for name in path[:-1]:
        at = at[name]
    if value is MISSING:
        at.pop(path[-1])
    else:
        at[path[-1]] = value
    return out


def damages(config: dict[str, Any]) -> Iterator[tuple[tuple[str, ...], dict[str, Any]]]:
    """Every entry of a record, those of its sides and its verdict too, without it and with something else in its place."""
    paths = [(name,) for name in config if name not in ("method", "state", "cls", "type")]
    paths += [("verdict", name) for name in config["verdict"]]
    paths += [("sides", side) for side in "AB"] + [("sides", side, name) for side in "AB" for name in config["sides"][side]]
    for path in paths:
        for value in ODD:
            yield path, changed(config, path, value)


@pytest.mark.parametrize("run", ["seasons", "cameras"])
def test_whatever_a_record_lacks_it_is_listed_and_said_in_words(run: str, request: Any) -> None:
    if run == "seasons":
        request.getfixturevalue("stored")
    dataset = request.getfixturevalue("dataset" if run == "seasons" else "cameras")
    load: Callable[..., Any] = load_comparison if run == "seasons" else load_groups
    record = runs.record_of(dataset, run)
    stored = database.whole()["runs"]
    whole = stored.find_one({"_id": record.id})["config"]
    refused = 0
    for path, config in damages(whole):
        stored.update_one({"_id": record.id}, {"$set": {"config": config}})
        (listed,) = list_comparisons(dataset)
        assert listed == run and about(listed) and details(listed) is not None and found_in([listed], "open", run), path
        try:
            load(dataset, run)
        except LatentDiffError as e:
            refused += 1
            assert not PYTHON.search(str(e)), path
            assert any(what in str(e) for what in ("delete", "Update latentdiff", "load_")), f"{path}: {e}"
    assert refused > 20
    stored.update_one({"_id": record.id}, {"$set": {"config": changed(whole, ("sides",), 7)}})
    hypotheses._opened.clear()
    error = shown(panel(dataset, "on_load", {"run": run}))["shown"]["error"]
    assert error == f"The record of comparison '{run}' lacks sides, or holds something else there; delete it and compare again."
    delete_comparison(dataset, run)
    assert list_comparisons(dataset) == [] and not any(name.startswith(run) for name in dataset.get_field_schema())


@pytest.mark.parametrize("run", ["seasons", "cameras"])
def test_results_that_cannot_be_read_are_said_in_words(run: str, request: Any) -> None:
    if run == "seasons":
        request.getfixturevalue("stored")
    dataset = request.getfixturevalue("dataset" if run == "seasons" else "cameras")
    load: Callable[..., Any] = load_comparison if run == "seasons" else load_groups
    record, files = runs.record_of(dataset, run), gridfs.GridFS(database.whole())
    whole = files.get(record.results).read()
    packed = json_util.loads(whole)

    def told(content: bytes | None) -> str:
        files.delete(record.results)
        if content is not None:
            files.put(content, _id=record.results)
        try:
            load(dataset, run)
        except CheckpointError as e:
            assert not PYTHON.search(str(e)) and ("delete it and compare again" in str(e) or "Update latentdiff" in str(e)), e
            return str(e)
        return ""  # another number than it was, say

    def without(name: str, value: Any = MISSING) -> bytes:
        return json_util.dumps(changed(packed, ("document", name), value)).encode()

    gone = "the results of this comparison are no longer in the database, or damaged"
    assert told(None).startswith(gone) and told(whole[: len(whole) // 2]).startswith(gone) and told(b"[]").startswith(gone)
    assert "lacks 'arrays'" in told(without("arrays"))
    arrays = packed["document"]["arrays"]
    for cut in (arrays[: len(arrays) // 8 * 4], arrays[:-5], "", "no base64", 7):
        assert told(without("arrays", cut))
    assert "two_sample" in told(without("two_sample")) if run == "seasons" else "rate_texts" in told(without("rate_texts"))
    for name in set(packed["document"]) - {"info", "version", "format", "kind", "feedback", "tested_fields"}:
        for value in (7, None, [7]):
            told(without(name, value))
    files.delete(record.results)
    files.put(whole, _id=record.results)
    assert load(dataset, run)


def test_damaged_feedback_and_questions_are_none(dataset: Any, stored: Any) -> None:
    judge_finding(dataset, "seasons", 0, state="accepted", note="look")
    h, record = stored.hypotheses[0], runs.record_of(dataset, "seasons")
    good = feedback.line(h, {"name": "a dog"})
    question = {"phrase": "dog", "rates": {"A": 0.5, "B": 0.1}, "auroc": 0.8, "p_value": 0.01, "ids": {"A": ["0" * 24], "B": []}}
    lines = [good, 7, None, {}, {**good, "said": {"note": 7}}, {**good, "said": {"name": ["x"]}}, {**good, "finding": 7}, {**good, "at": 7}]
    others = ((name, value) for name in question for value in (None, "", {}, ["x"], [7]) if (name, value) != ("phrase", ""))
    odd = [7, {}, *({**question, name: value} for name, value in others)]
    stored_runs = database.whole()["runs"]
    stored_runs.update_one({"_id": record.id}, {"$set": {"config.feedback": lines, "config.questions": [question, *odd]}})
    hypotheses._opened.clear()
    (listed,) = list_comparisons(dataset)
    assert details(listed)
    run = load_comparison(dataset, "seasons")
    assert {one.name for one in run.feedback} == {"a dog"}
    assert kept_questions(run) == [question]
    board = shown(panel(dataset, "on_load", {"run": "seasons"}))["shown"]["board"]
    assert board["questions"] == ["dog"]
