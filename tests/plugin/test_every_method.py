"""What every method finds, in everything that shows findings: panel, page, command line, and reports of each kind."""

from __future__ import annotations

import csv
import dataclasses
import html
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import latentdiff
from fiftyone_plugin import compare_views
from latentdiff.cli import main
from latentdiff.methods.register import METHODS
from latentdiff.report.finding import legend
from latentdiff.report.text import plain_markdown
from tests.planted import DOG, WIDTH, vectors
from tests.plugin.calls import Window, panel, shown

NAMES = ("boat", "tree", "house", "dog", "cup", "road", "lamp", "chair", "bird", "hat", "bike", "apple", "sign", "door", "ball", "book")
A, B = vectors(60, 2 / 3, seed=1), vectors(80, 1 / 20, seed=2)


@pytest.fixture(params=tuple(METHODS))
def run(request: Any, make: Callable[..., Any], sae: Any) -> Any:
    """A comparison by one method, stored in a dataset whose images have captions."""
    dataset = make(A, B)
    captions = [", ".join(NAMES[j] for j in np.flatnonzero(row > 0.5)) for row in (*A, *B)]
    dataset.set_values("caption", captions)
    method = latentdiff.MethodConfig(request.param)
    reads = {}
    if request.param == "visdiff":
        method = dataclasses.replace(method, describe=latentdiff.DescribeConfig(captioner="given"))
        reads["captions"] = "caption"
    words = latentdiff.Vocabulary(NAMES, np.eye(WIDTH, dtype=np.float32))
    reads |= {"sae": sae} if request.param == "latentdiff" else {}
    return compare_views(dataset, "summer", "winter", embeddings="clip", vocabulary=words, run="seasons", config=method, **reads)


def test_what_every_method_finds_is_shown_everywhere(run: Any, tmp_path: Path, capsys: Any) -> None:
    best = run.hypotheses[0]
    assert best.side == "A" and NAMES[DOG] in best.text
    name, meaning = legend(run.comparison, best.source)
    assert name and meaning.endswith(".")

    # the panel: its board, the drawing, and what unfolds
    window = Window(run.dataset)
    drawn = json.dumps(window.ask("on_load"))
    card = window.state["shown"]["board"]["sides"]["A"]["cards"][0]
    assert (card["text"], [badge[1:] for badge in card["badges"] if badge[0] == "branch"]) == (best.text, [[name, meaning]])
    assert best.text in drawn and name in drawn
    detail = shown(panel(run.dataset, "unfold", {"run": "seasons"}, run="seasons", rank=0))["detail"]
    assert ["Rate in summer", f"{best.rate_a:.2%}"] in [fact[:2] for fact in detail["facts"]]

    # the page
    from fiftyone_plugin.panels.page.cards import result
    from fiftyone_plugin.panels.page.work import Answer

    page = result(Answer(run.comparison, ("summer", "winter"), {}), tmp_path, lambda *_: None)
    assert best.text in page.cards["A"][0].html and html.escape(name) in page.cards["A"][0].html

    # the command line
    assert main(["show", run.dataset.name, "seasons"]) == 0
    assert best.text in capsys.readouterr().out
    assert main(["show", run.dataset.name, "seasons", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["sides"]["A"]["more_here"][0]["source"] == best.source

    # reports
    text = {kind: Path(page.files[kind]).read_text(encoding="utf8") for kind in ("html", "md", "csv", "json")}
    assert best.text in text["html"] and html.escape(meaning) in text["html"]
    assert plain_markdown(name) in text["md"] and plain_markdown(meaning) in text["md"]
    row = next(csv.DictReader(io.StringIO(text["csv"])))
    assert (row["text"], row["source"], float(row["rate_a"])) == (best.text, best.source, best.rate_a)
    assert json.loads(text["json"])["hypotheses"][0]["text"] == best.text
