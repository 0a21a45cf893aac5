"""Differences are read as a tree where their concepts have groups: on the command line, in reports, and in the panel."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import latentdiff
from latentdiff import CompareConfig, Comparison, write_report
from latentdiff.cli import main
from latentdiff.report.finding import card
from latentdiff.report.tree import as_tree
from tests.sae.test_concepts import AXES, GROUPS, TEXTS, WORDS, identity_sae, vocabulary

SCOOTER, MOTORCYCLE, CAR, DOG, SKY = (0, 2, 5), (0, 2), (0, 3), (1, 4), (6,)
"""Axes of the words that each kind of image is: a scooter is a motorcycle is a vehicle."""


def images(kinds: dict[tuple[int, ...], int], seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    x = np.array([AXES[list(kind)].sum(0) * rng.uniform(0.9, 1.3) for kind, n in kinds.items() for _ in range(n)])
    return np.asarray(x + 0.05 * rng.standard_normal(x.shape), np.float32)


A = images({SCOOTER: 60, MOTORCYCLE: 25, CAR: 20, DOG: 20, SKY: 40}, seed=1)
"""Many scooters, and so many motorcycles and vehicles."""
B = images({SCOOTER: 4, MOTORCYCLE: 10, CAR: 20, DOG: 70, SKY: 40}, seed=2)


@pytest.fixture(scope="module")
def comparison() -> Comparison:
    return latentdiff.compare(A, B, sae=identity_sae(groups=GROUPS), vocabulary=vocabulary(), config=CompareConfig(compounds=False))


def of_concepts(comparison: Comparison, side: str) -> list[latentdiff.Hypothesis]:
    return [h for h in comparison.candidates if h.side == side and h.concept is not None]


def test_fine_concepts_stand_below_coarse_ones(comparison: Comparison) -> None:
    found = {h.text: h for h in of_concepts(comparison, "A")}
    assert {"vehicle", "motorcycle", "scooter"} <= set(found)
    lines = as_tree(comparison, list(found.values()))
    depth = {line.label: line.depth for line in lines}
    assert (depth["vehicle"], depth["motorcycle"], depth["scooter"]) == (0, 1, 2)
    assert all(line.hypothesis is found[line.label] for line in lines)
    order = [line.label for line in lines]
    assert order.index("scooter") == order.index("motorcycle") + 1


def test_a_coarser_concept_that_does_not_differ_is_there_for_what_lies_below(comparison: Comparison) -> None:
    fine = [h for h in of_concepts(comparison, "A") if h.text == "scooter"]
    phrase = dataclasses.replace(fine[0], text="a red scooter", concept=None)
    lines = as_tree(comparison, [phrase, *fine])
    assert [(b.depth, b.label, b.hypothesis) for b in lines] == [
        (0, "a red scooter", phrase),
        (0, "vehicle", None),
        (1, "motorcycle", None),
        (2, "scooter", fine[0]),
    ]
    assert as_tree(comparison, [phrase]) == ()
    for cards in ({}, None, {"5": {"path": [3, {"label": "x"}, {"concept": 5, "label": "itself"}]}}, {"5": {"path": "vehicle"}}):
        assert as_tree(dataclasses.replace(comparison, info={"cards": cards}), fine) == ()


def test_one_name_for_one_thing_in_trees_and_on_cards(comparison: Comparison) -> None:
    """What people call a coarse concept stands above the fine ones too."""
    found = {h.text: h for h in of_concepts(comparison, "A")}
    named = comparison.judged(found["vehicle"], name="machine").judged(found["scooter"], name="moped")
    for shown in (list(found.values()), [found["scooter"]]):
        labels = [line.label for line in as_tree(named, shown)]
        assert {"machine", "motorcycle", "moped"} <= set(labels) and not {"vehicle", "scooter"} & set(labels)
    one = card(named, found["scooter"], 0, {"A": "a", "B": "b"})
    assert one.path == ("machine", "motorcycle") and ("Part of", "machine > motorcycle > moped") in [fact[:2] for fact in one.concept]


def test_without_groups_there_is_no_tree(tmp_path: Path) -> None:
    flat = latentdiff.compare(A, B, sae=identity_sae(), vocabulary=vocabulary(), config=CompareConfig(compounds=False))
    assert as_tree(flat, flat.hypotheses) == ()
    assert "From coarse to fine" not in write_report(flat, tmp_path / "flat.html").read_text(encoding="utf8")


def test_reports_hold_the_tree(comparison: Comparison, tmp_path: Path) -> None:
    lines = as_tree(comparison, comparison.top("A", 10))
    text = write_report(comparison, tmp_path / "r.md").read_text(encoding="utf8")
    assert "From coarse to fine:\n\n" + "\n".join("  " * b.depth + f"- {b.label}" for b in lines) in text
    page = write_report(comparison, tmp_path / "r.html").read_text(encoding="utf8")
    tree = re.search(r"From coarse to fine</summary>(.*?)</details>", page)
    assert tree is not None
    assert re.search(r"<ul><li>vehicle[^<]*<ul>.*<li>motorcycle[^<]*<ul><li>scooter: \d+% of A, \d+% of B</li></ul></li>", tree[1])
    assert tree[1].count("<ul>") == tree[1].count("</ul>") and tree[1].count("<li>") == tree[1].count("</li>") == len(lines)
    header, *rows = (tmp_path / "r.csv", write_report(comparison, tmp_path / "r.csv"))[0].read_text(encoding="utf8").splitlines()
    assert ",path" in header
    assert any(row.startswith("A,") and ",scooter," in row and ",vehicle > motorcycle," in row for row in rows)


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    identity_sae(groups=GROUPS).save(tmp_path / "sae")
    np.save(tmp_path / "a.npy", A)
    np.save(tmp_path / "b.npy", B)
    np.savez(tmp_path / "words.npz", words=np.array(WORDS), vectors=TEXTS.astype(np.float32))
    return ["compare", str(tmp_path / "a.npy"), str(tmp_path / "b.npy"), "--vocabulary", str(tmp_path / "words.npz"), "--top", "8"]


def test_the_command_lists_a_tree(files: list[str], tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    assert main([*files, "--sae", str(tmp_path / "sae"), "--tree", "--save", str(tmp_path / "kept")]) == 0
    first = capsys.readouterr().out
    what = [line.split("│")[2].rstrip() for line in first.splitlines() if line.startswith("│ a ")]
    at = what.index("   motorcycle (also 1 guess)")
    assert what.index(" vehicle") < at and what[at + 1] == "     scooter"
    assert main(["show", str(tmp_path / "kept"), "--tree", "--top", "8"]) == 0
    assert "     scooter" in capsys.readouterr().out
    assert main([*files, "--sae", str(tmp_path / "sae"), "--sae-trainer", "matryoshka"]) == 2
    assert "leave one of them out" in capsys.readouterr().err


def test_compare_trains_a_matryoshka_sae_on_request(files: list[str], capsys: Any) -> None:
    groups = {}
    for trainer in ("batchtopk", "matryoshka"):
        config = CompareConfig(sae_trainer=trainer, sae_concepts=32, sae_active=3, sae_seconds=1, compounds=False)
        found = latentdiff.compare(A, B, vocabulary=vocabulary(), config=config)
        groups[trainer] = {h.group for h in found.candidates if h.concept is not None}
    assert groups["batchtopk"] == {None}
    assert groups["matryoshka"] <= {0, 1, 2, 3} and groups["matryoshka"]
    assert main([*files, "--sae-trainer", "batchtopk", "--tree"]) == 0
    assert "Matryoshka SAEs have such" in capsys.readouterr().out


def test_the_panel_shows_path_and_tree(comparison: Comparison) -> None:
    from fiftyone_plugin.panels.app.cards import _drawn
    from fiftyone_plugin.panels.app.layout import _tree

    found = {"comparison": comparison, "candidates": comparison.candidates, "hypotheses": comparison.hypotheses}
    run = SimpleNamespace(**found, name="r", feedback=(), sides={s: SimpleNamespace(name=s) for s in "AB"}, exemplars=lambda h: [])
    scooter = next(h for h in of_concepts(comparison, "A") if h.text == "scooter")
    assert _drawn(run, comparison, card(comparison, scooter, 0, {"A": "A", "B": "B"}))["path"] == ["vehicle", "motorcycle"]
    lines = [[b.depth, b.label, b.hypothesis is not None] for b in as_tree(comparison, [scooter])]
    assert _tree(lines).splitlines()[2:] == ["- *vehicle*", "  - *motorcycle*", "    - scooter"]
