"""What one meets first: names that are listed, a comparison at a prompt and in a notebook, words about a misplaced choice."""

from __future__ import annotations

import ast
import dataclasses
import warnings
from html import escape
from pathlib import Path

import numpy as np
import pytest

import fiftyone_plugin
import latentdiff
from latentdiff.deprecation import old_keywords
from tests.planted import DOG, WIDTH, WORDS, vectors

MARKUP = "<b>dog</b> & cat"


@pytest.fixture(scope="module")
def comparison() -> latentdiff.Comparison:
    eye, zeros = np.eye(WIDTH, dtype=np.float32), np.zeros(WIDTH, np.float32)
    sae = latentdiff.SparseAutoencoder(eye, zeros, eye, zeros, np.full(WIDTH, 0.5, np.float32))
    words = [MARKUP if i == DOG else word for i, word in enumerate(WORDS)]
    vocabulary = latentdiff.Vocabulary(words, eye)
    return latentdiff.compare(vectors(60, 2 / 3, seed=1), vectors(80, 1 / 20, seed=2), sae=sae, vocabulary=vocabulary)


def test_only_public_names_are_listed() -> None:
    for package in (latentdiff, fiftyone_plugin):
        assert dir(package) == sorted(package.__all__)
        assert [name for name in dir(package) if not getattr(package, name)] == []


def test_a_misspelt_name_is_no_name_for_type_checkers() -> None:
    """They would take any, typed ``Any``, where they see a module's ``__getattr__``."""
    for package in (latentdiff, fiftyone_plugin):
        tree = ast.parse(Path(package.__file__).read_text(encoding="utf8"))
        assert "__getattr__" not in [getattr(node, "name", None) for node in tree.body] and "__getattr__" in vars(package)


def test_a_comparison_at_a_prompt_is_short_however_much_was_found(comparison) -> None:
    first = comparison.hypotheses[0]
    many = [dataclasses.replace(first, text=f"finding {i} " + "long " * 60, concept=1000 + i, side="AB"[i % 2]) for i in range(40)]
    shown = repr(dataclasses.replace(comparison, candidates=tuple(many), info={**comparison.info, "names": ["summer\nday", "winter"]}))
    lines = shown.splitlines()
    assert len(lines) == 9 and max(map(len, lines)) < 200
    assert lines[0].startswith("Comparison(differs; 60 and 80 images, AUC 0.")
    assert lines[1].startswith("  more in summer day: finding 0 long") and lines[4] == "  and 17 more in summer day"
    assert f"{first.rate_a:.1%} of A, {first.rate_b:.1%} of B" in lines[1]
    assert len(repr(comparison).splitlines()) <= 10 and MARKUP in repr(comparison)


def test_a_comparison_in_a_notebook_is_the_reports_cards(comparison) -> None:
    from latentdiff.report import verdict
    from latentdiff.report.content import content
    from latentdiff.report.html import card_html

    shown, said = comparison._repr_html_(), content(comparison)
    assert escape(verdict(comparison, "A", "B")) in shown
    assert card_html(said.cards["A"][0], said.names) in shown
    assert escape(MARKUP) in shown and MARKUP not in shown
    assert "<script" not in shown and "http" not in shown.replace("http-equiv", "")
    nothing = dataclasses.replace(comparison, candidates=(), differs=False)
    assert nothing._repr_html_().count("Nothing is found more often here.") == 2


def test_a_table_has_every_field_of_every_hypothesis(comparison) -> None:
    for gated, rows in ((True, comparison.hypotheses), (False, comparison.candidates)):
        table = comparison.to_pandas(gated=gated)
        assert list(table.columns) == [f.name for f in dataclasses.fields(latentdiff.Hypothesis)]
        assert table["text"].tolist() == [h.text for h in rows] and table["q_value"].tolist() == [h.q_value for h in rows]
    assert len(comparison.candidates) > len(comparison.hypotheses) > 0


def test_a_choice_in_the_wrong_place_is_told_where_it_goes() -> None:
    with pytest.raises(TypeError, match=r"takes no 'alpha'.*config=latentdiff\.CompareConfig\(alpha=0\.01\)"):
        latentdiff.compare([], [], alpha=0.01)
    with pytest.raises(TypeError, match=r"write latentdiff\.MethodConfig\(compare=latentdiff\.CompareConfig\(alpha=0\.01\)\)"):
        latentdiff.compare_with(latentdiff.MethodConfig(), [], [], alpha=0.01)
    with pytest.raises(TypeError, match=r"they are choices.*CompareConfig\(seed=1, mix=\(5, 0\)\)"):
        latentdiff.compare([], [], seed=1, mix=(5, 0))
    with pytest.raises(TypeError, match="unexpected keyword argument 'alfa'"):
        latentdiff.compare([], [], alfa=0.01)


def test_compare_by_still_works_and_warns(comparison) -> None:
    a, b, words = vectors(60, 2 / 3, seed=1), vectors(80, 1 / 20, seed=2), latentdiff.Vocabulary(WORDS, np.eye(WIDTH))
    config = latentdiff.MethodConfig("mean")
    with pytest.warns(DeprecationWarning, match=r"compare_by\(\) is deprecated.*use compare_with\(\)") as caught:
        old = latentdiff.compare_by(config, a, b, vocabulary=words)
    assert caught[0].filename == __file__
    assert [h.text for h in old.candidates] == [h.text for h in latentdiff.compare_with(config, a, b, vocabulary=words).candidates]
    with pytest.raises(AttributeError, match="no attribute 'compare_buy'"):
        latentdiff.compare_buy  # noqa: B018


def test_old_keywords_are_turned_into_new_ones_with_a_warning() -> None:
    @old_keywords({"width": "size="}, lambda old, options: options.update(size=old["width"]))
    def area(*, size: int = 1) -> int:
        return size * size

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert area(size=3) == 9
    with pytest.warns(DeprecationWarning, match=r"area\(width=\) is deprecated.*use size=") as caught:
        assert area(width=4) == 16
    assert caught[0].filename == __file__
