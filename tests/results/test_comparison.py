"""A comparison on disk, and its questions answered: values worked out by hand on a small one."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp

from latentdiff import CheckpointError, CompareConfig, Comparison, ConceptTable, Hypothesis, InputError, TwoSampleTest
from latentdiff.report.shifts import shifts as told

NAN = float("nan")


def hypothesis(text: str, side: str, source: str, q: float, **more: object) -> Hypothesis:
    base = Hypothesis(text, side, source, 0.25, 0.5, 0.25, q / 10, q, 0.625, 0.4, 1 / 3)
    return dataclasses.replace(base, **more)  # type: ignore[arg-type]


CANDIDATES = (
    hypothesis("dog", "A", "sae", 1e-9, concept=7, exemplars=(2, 0), also=("puppy",), interval=(0.1, 0.4), group=2, path=("animal", "pet")),
    hypothesis("Schnee ❄", "B", "dre", 0.05, words=("ice", "frost"), weak=True),
    hypothesis("concept 3", "A", "sae", 0.0501, concept=3, name_strength=NAN),
    hypothesis("puppy", "A", "dre", 1e-4),
    hypothesis("leash", "A", "dre", 1e-3),
)


def comparison() -> Comparison:
    shows_a = sp.csr_array(np.array([[1, 0, 1, 1, 0], [0, 0, 1, 0, 0], [1, 0, 0, 0, 1]], bool))
    shows_b = sp.csr_array(np.array([[0, 1, 0, 0, 0], [0, 1, 0, 1, 0]], bool))
    table = ConceptTable(np.array([3, 7], np.int32), *(np.array([0.1 * i, 0.2 * i]) for i in range(1, 8)), ("concept 3", "dog"))
    return Comparison(
        candidates=CANDIDATES,
        log_ratio_a=np.array([0.5, NAN, -1.25], np.float32),
        log_ratio_b=np.array([-2.0, 0.125], np.float32),
        shows_a=shows_a,
        shows_b=shows_b,
        two_sample=TwoSampleTest(0.75, 1.5e-7),
        differs=True,
        smallest_detectable=0.125,
        concepts=table,
        config=CompareConfig(seed=4, alpha=0.05, mix=(1, 1)),
        info={"n_a": 3, "dropped_rows": {"A": [1], "B": []}},
    )


def test_every_field_survives_saving(tmp_path: Path) -> None:
    one = comparison()
    two = Comparison.load(one.save(tmp_path / "a" / "b"))
    assert repr(two.candidates) == repr(one.candidates)
    assert (two.two_sample, two.differs, two.smallest_detectable) == (one.two_sample, one.differs, one.smallest_detectable)
    assert (two.config, two.info) == (one.config, one.info)
    for name in ("log_ratio_a", "log_ratio_b"):
        np.testing.assert_array_equal(getattr(two, name), getattr(one, name))
        assert getattr(two, name).dtype == np.float32
    for name in ("shows_a", "shows_b"):
        np.testing.assert_array_equal(getattr(two, name).toarray(), getattr(one, name).toarray())
        assert getattr(two, name).dtype == bool
    for field in dataclasses.fields(ConceptTable):
        np.testing.assert_array_equal(getattr(two.concepts, field.name), getattr(one.concepts, field.name))
    assert two.concepts.concept.dtype == np.int32


def test_a_comparison_saved_before_there_were_groups_is_read(tmp_path: Path) -> None:
    folder = comparison().save(tmp_path)
    head = json.loads((folder / "comparison.json").read_text(encoding="utf8"))
    for h in head["candidates"]:
        del h["group"], h["path"]
    del head["config"]["prune_monosemanticity"]
    (folder / "comparison.json").write_text(json.dumps(head), encoding="utf8")
    old = Comparison.load(folder)
    assert [(h.text, h.group, h.path) for h in old.candidates] == [(h.text, None, ()) for h in CANDIDATES]
    assert old.config.prune_monosemanticity == 0.0


def test_titles_say_which_names_are_guesses() -> None:
    from latentdiff.report import title

    guess = hypothesis("court", "A", "sae", 0.01, concept=812, words=("net", "racket"), weak=True)
    assert title(guess) == "concept 812 · looks like: court, net"
    assert title(dataclasses.replace(guess, weak=False)) == "court"
    assert title(CANDIDATES[1]) == "looks like: Schnee ❄, ice"


def test_saving_twice_replaces(tmp_path: Path) -> None:
    comparison().save(tmp_path)
    dataclasses.replace(comparison(), differs=False).save(tmp_path)
    assert Comparison.load(tmp_path).differs is False
    assert sorted(p.name for p in tmp_path.iterdir()) == ["arrays.npz", "comparison.json"]


def test_hypotheses_are_the_candidates_at_or_below_alpha_each_thing_once() -> None:
    assert [h.text for h in comparison().hypotheses] == ["dog", "Schnee ❄", "leash"]


def test_top_takes_one_side_mixes_the_branches_and_repeats_nothing() -> None:
    c = comparison()
    assert [h.text for h in c.top("A", 2)] == ["dog", "leash"]  # "puppy" is another wording for "dog"
    assert [h.text for h in c.top("A", 5)] == ["dog", "leash"]
    # Both branches found the dog: told in the exemplars' word, at its better place; that among the concepts goes to the next.
    assert [h.text for h in c.top("A", 5, gated=False)] == ["puppy", "concept 3", "leash"]
    assert [h.text for h in c.top("B")] == ["Schnee ❄"]


def test_what_is_not_gated_is_told_by_the_wording_that_passes() -> None:
    drafts = [hypothesis("dog", "A", "dre", 0.9), hypothesis("cat", "A", "sae", 0.9), hypothesis("dog", "A", "sae", 1e-6)]
    c = dataclasses.replace(comparison(), candidates=tuple(drafts))
    assert [(h.text, h.source) for h in c.top("A", 5, gated=False)] == [("dog", "sae"), ("cat", "sae")]
    drafts[2] = dataclasses.replace(drafts[2], slight=True)  # no finding either
    c = dataclasses.replace(c, candidates=tuple(drafts))
    assert next((h.text, h.source) for h in c.top("A", 5, gated=False)) == ("dog", "dre")


def test_rows_showing(tmp_path: Path) -> None:
    for c in (comparison(), Comparison.load(comparison().save(tmp_path))):
        assert c.rows_showing(c.candidates[0], "A").tolist() == [0, 2]
        assert c.rows_showing(c.candidates[0], "B").tolist() == []
        assert c.rows_showing(c.candidates[1], "B").tolist() == [0, 1]
        assert c.rows_showing(c.candidates[2], "A").tolist() == [0, 1]


def test_a_hypothesis_finds_its_rows_in_a_loaded_copy(tmp_path: Path) -> None:
    """Also where its name strength is NaN, which equals nothing."""
    one = comparison()
    two = Comparison.load(one.save(tmp_path))
    for h in one.candidates:
        np.testing.assert_array_equal(two.rows_showing(h, "A"), one.rows_showing(h, "A"))


def test_wrong_questions() -> None:
    c = comparison()
    for call in (lambda: c.top("C"), lambda: c.rows_showing(c.candidates[0], "a")):
        with pytest.raises(InputError, match='side is "A" or "B", not'):
            call()
    with pytest.raises(InputError, match="k must be at least 1, not 0"):
        c.top("A", 0)
    with pytest.raises(InputError, match="'cat' is not one of this comparison's candidates"):
        c.rows_showing(hypothesis("cat", "A", "sae", 0.1), "A")


def test_folders_that_hold_no_comparison(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="does not hold a saved comparison"):
        Comparison.load(tmp_path / "missing")
    folder = comparison().save(tmp_path / "saved")
    head = json.loads((folder / "comparison.json").read_text(encoding="utf8"))

    (folder / "comparison.json").write_text(json.dumps({**head, "format": 99}))
    with pytest.raises(CheckpointError, match=r"format 99.*Update latentdiff"):
        Comparison.load(folder)
    (folder / "comparison.json").write_text(json.dumps(head)[:-9])
    with pytest.raises(CheckpointError, match="does not hold a saved comparison"):
        Comparison.load(folder)
    (folder / "comparison.json").write_text(json.dumps(head))
    (folder / "arrays.npz").write_bytes((folder / "arrays.npz").read_bytes()[:200])
    with pytest.raises(CheckpointError, match="does not hold a saved comparison"):
        Comparison.load(folder)


def test_the_first_lead_is_what_lacks_least() -> None:
    """As counted in the drawn world: 600 against 600 images, where the best-named candidate came first whatever it showed."""
    counts = {"television": (13, 15), "vase": (37, 28), "mushroom": (42, 28), "cup": (15, 13), "lamp": (28, 28), "sure": (20, 18)}
    below = [
        hypothesis(text, "A", "sae", 0.9 if text == "sure" else 1.0, concept=i, rate_a=a / 600, rate_b=b / 600, effect=(a - b) / 600)
        for i, (text, (a, b)) in enumerate(counts.items())
    ]
    found = dataclasses.replace(comparison(), candidates=tuple(below), info={"n_a": 600, "n_b": 600, "levels": {"concept": 1e-4}})
    assert [h.text for h in found.leads] == ["sure", "mushroom", "vase"]  # by q, then by how many more images
    rest = dataclasses.replace(found, candidates=tuple(h for h in below if h.text in ("television", "cup", "lamp")))
    assert [h.text for h in rest.leads] == ["cup", "television", "lamp"]


def test_only_shifts_without_images_are_said_to_be_so() -> None:
    rates = {"beach": (63, 60, False), "white dog": (178, 133, True), "kite": (30, 12, False), "cup": (30, 12, True)}
    shifts = tuple(
        hypothesis(text, "A", "sae", 0.01, concept=i, rate_a=a / 600, rate_b=b / 600, effect=(a - b) / 600, weak=weak, slight=True)
        for i, (text, (a, b, weak)) in enumerate(rates.items())
    )
    notes = told(dataclasses.replace(comparison(), candidates=shifts), ("winter", "summer"))
    assert notes == (
        "a slight shift of winter towards beach, with next to no image that crosses over",
        "a slight shift of winter towards what looks like “white dog” (30% of winter, 22% of summer), kite (5% of winter, 2% of summer), "
        "“cup” (5% of winter, 2% of summer), too little for a finding",
    )
