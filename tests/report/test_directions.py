"""Names in right-to-left scripts, and direction marks in any text, do not turn the sentences round that they stand in."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import re
import unicodedata
from pathlib import Path

import numpy as np
import pytest

import latentdiff
from latentdiff.report.text import DIRECTIONS, END, ISOLATE, apart, directed, escape, isolated, plain_markdown
from tests.planted import WIDTH, WORDS, vectors

HEBREW, ARABIC, OVERRIDDEN = "קיץ 2024", "شتاء", "summer\u202e\u2067 dne"


def stray(text: str) -> list[str]:
    """Direction marks that are not closed within a name."""
    return re.findall(f"[{DIRECTIONS}]", re.sub(f"{ISOLATE}[^{DIRECTIONS}]*{END}", "", text))


def test_a_name_keeps_to_itself() -> None:
    assert isolated("summer") == "summer" and isolated("été, 夏") == "été, 夏"
    assert isolated(HEBREW) == f"{ISOLATE}{HEBREW}{END}" and isolated(f"\u200f{ARABIC}\u202c") == f"{ISOLATE}{ARABIC}{END}"
    assert isolated(OVERRIDDEN) == "summer dne"
    steering = ("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI")
    marks = [chr(c) for c in range(0x110000) if unicodedata.bidirectional(chr(c)) in steering]
    assert len(marks) == 9 and directed("a".join(reversed(marks))) == "a" * 8
    assert directed(f"{isolated(HEBREW)} and {ISOLATE}x") == f"{isolated(HEBREW)} and x"
    assert escape(f"<{isolated(ARABIC)}>\u202e") == f"&lt;{ISOLATE}{ARABIC}{END}&gt;" and plain_markdown("a\u202eb") == "ab"


@pytest.mark.parametrize(
    ("names", "wanted"),
    [
        ((HEBREW, ARABIC), (f"\u2068{HEBREW}\u2069", f"\u2068{ARABIC}\u2069")),
        ((OVERRIDDEN, "winter"), ("summer dne", "winter")),
        ((f"{ISOLATE}left", f"{END}right"), ("left", "right")),
    ],
)
def test_reports(tmp_path: Path, names: tuple[str, str], wanted: tuple[str, str]) -> None:
    eye, zeros = np.eye(WIDTH, dtype=np.float32), np.zeros(WIDTH, np.float32)
    sae = latentdiff.SparseAutoencoder(eye, zeros, eye, zeros, np.full(WIDTH, 0.5, np.float32))
    words = latentdiff.Vocabulary([f"{word}\u202e" if i % 2 else word for i, word in enumerate(WORDS)], eye)
    found = latentdiff.compare(vectors(60, 2 / 3, 1), vectors(80, 0.05, 2), sae=sae, vocabulary=words)
    for suffix in ("html", "md"):
        text = latentdiff.write_report(found, tmp_path / f"r.{suffix}", names=names).read_text(encoding="utf8")
        assert stray(text) == []
        assert re.search(f"{wanted[0]} and {wanted[1]} differ", text) and all(mark not in text for mark in ("\u202e", "\u2067"))
    said = json.loads(latentdiff.write_report(found, tmp_path / "r.json", names=names).read_text(encoding="utf8"))
    assert said["sides"]["A"]["name"] == names[0]  # data keeps names as they are


def leftward(text: str) -> str:
    """What of a text in a right-to-left script stands in no name that keeps to itself."""
    return "".join(c for c in re.sub(f"{ISOLATE}[^{DIRECTIONS}]*{END}", "", text) if unicodedata.bidirectional(c) in ("R", "AL"))


@pytest.fixture(scope="module")
def hebrew() -> latentdiff.Comparison:
    """Phrases, a field and its values in Hebrew, some with marks; every second name a guess; a note by hand."""
    eye, zeros = np.eye(WIDTH, dtype=np.float32), np.zeros(WIDTH, np.float32)
    sae = latentdiff.SparseAutoencoder(eye, zeros, eye, zeros, np.full(WIDTH, 0.5, np.float32))
    words = latentdiff.Vocabulary([f"שלום\u202e {word}" if i % 2 else f"כלב {i}" for i, word in enumerate(WORDS)], eye)
    cameras = [{"מצלמה\u202e": np.array(["ניקון", "קנון"])[(np.arange(n) % every == 0).astype(int)]} for n, every in ((60, 2), (80, 10))]
    sides = {"a": vectors(60, 2 / 3, 1), "b": vectors(80, 0.05, 2), "fields_a": cameras[0], "fields_b": cameras[1]}
    found = latentdiff.compare(**sides, sae=sae, vocabulary=words)
    found = dataclasses.replace(found, candidates=tuple(dataclasses.replace(h, weak=i % 2 == 0) for i, h in enumerate(found.candidates)))
    return found.judged(found.hypotheses[0], note="לא \u2067כלב")


def test_phrases_fields_values_and_notes_keep_to_themselves(hebrew: latentdiff.Comparison, tmp_path: Path) -> None:
    said = {s: latentdiff.write_report(hebrew, tmp_path / f"r.{s}", names=("a", "b")).read_text(encoding="utf8") for s in ("html", "md")}
    for text in (*said.values(), hebrew._repr_html_()):
        assert leftward(text) == "" and stray(text) == []
        assert isolated("מצלמה = ניקון") == f"{ISOLATE}מצלמה{END} = {ISOLATE}ניקון{END}"
        assert f"first {ISOLATE}מצלמה{END} = {ISOLATE}" in text and f"note: {ISOLATE}לא כלב{END}" in text
    assert f"looks like: {ISOLATE}" in said["md"]


def test_csv_leaves_direction_marks_out_and_json_keeps_them(hebrew: latentdiff.Comparison, tmp_path: Path) -> None:
    marks = f"[{DIRECTIONS}]"
    text = latentdiff.write_report(hebrew, tmp_path / "r.csv", names=(OVERRIDDEN, HEBREW)).read_text(encoding="utf8")
    assert not re.search(marks, text)
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["text"] for row in rows[: len(hebrew.hypotheses)]] == [re.sub(marks, "", h.text) for h in hebrew.hypotheses]
    said = json.loads(latentdiff.write_report(hebrew, tmp_path / "r.json").read_text(encoding="utf8"))
    assert [h["text"] for h in said["hypotheses"]] == [h.text for h in hebrew.hypotheses]


def test_a_result_that_has_nothing_to_keep_apart_is_itself(hebrew: latentdiff.Comparison) -> None:
    told = apart(hebrew)
    assert [h.q_value for h in told.candidates] == [h.q_value for h in hebrew.candidates] and told.candidates[0].text != hebrew.candidates[
        0
    ].text
    assert told.config is hebrew.config and told.log_ratio_a is hebrew.log_ratio_a
    latin = dataclasses.replace(
        hebrew, candidates=(), tested_fields=(), feedback=(), info={"names": ["été", "b"], "n_a": 60}, concepts=None
    )
    assert apart(latin) is latin


def test_reports_of_groups(tmp_path: Path) -> None:
    eye, zeros = np.eye(WIDTH, dtype=np.float32), np.zeros(WIDTH, np.float32)
    sae = latentdiff.SparseAutoencoder(eye, zeros, eye, zeros, np.full(WIDTH, 0.5, np.float32))
    rows = np.concatenate([vectors(40, share, seed) for seed, share in enumerate((2 / 3, 0.05, 0.05))])
    named = [name for name in (HEBREW, OVERRIDDEN, "plain") for _ in range(40)]
    found = latentdiff.compare_groups(rows, named, sae=sae, vocabulary=latentdiff.Vocabulary(WORDS, eye))
    for suffix in ("html", "md"):
        text = latentdiff.write_report(found, tmp_path / f"g.{suffix}").read_text(encoding="utf8")
        assert stray(text) == [] and f"\u2068{HEBREW}\u2069" in text and HEBREW not in text.replace(f"\u2068{HEBREW}\u2069", "")
