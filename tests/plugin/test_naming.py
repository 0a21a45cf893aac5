"""Words later: a comparison that was made without any, vectors whose encoder is said afterwards, words that are typed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import fiftyone as fo
import pytest

import latentdiff
from fiftyone_plugin import compare_views, load_comparison, name_comparison
from fiftyone_plugin.encoders import Stamp, record, recorded, typed_words
from latentdiff.embed.encoder import load_encoder
from latentdiff.errors import InputError
from tests import drawn
from tests.planted import DOG, WORDS, state
from tests.plugin.calls import execute, form, panel, shown


def values(fields: dict, name: str) -> list[str]:
    return [choice["value"] for choice in fields[name]["view"]["choices"]]


def test_a_comparison_named_later_is_the_one_that_had_words_at_once(dataset, files) -> None:
    given = {"embeddings": "clip", "sae": files["sae"]}
    sample = dataset.first()
    sample["clip"] = None
    sample.save()
    bare = compare_views(dataset, "summer", "winter", run="bare", **given)
    wanted = compare_views(dataset, "summer", "winter", run="wanted", vocabulary=files["vocabulary"], **given)
    assert [h.text for h in bare.hypotheses] == [f"concept {DOG}"] and bare.counts["A"]["missing"] == 1
    assert shown(panel(dataset, "on_load", {"run": "bare"}))["shown"]["board"]["unnamed"]
    named = name_comparison(dataset, "bare", files["vocabulary"])
    assert [(h.text, h.concept, h.q_value) for h in named.candidates] == [(h.text, h.concept, h.q_value) for h in wanted.candidates]
    assert named.hypotheses[0].text == WORDS[DOG] and named.counts == wanted.counts == bare.counts
    assert named.comparison.info["left_out"] == wanted.comparison.info["left_out"]
    dataset.reload()
    assert dataset.values("bare_concepts") == dataset.values("wanted_concepts")
    assert sorted(dataset.list_runs()) == ["bare", "wanted"]
    assert not shown(panel(dataset, "on_load", {"run": "bare"}))["shown"]["board"]["unnamed"]
    # The words of an earlier comparison of these vectors are offered from then on, and are what is used.
    again = {"view_a": "winter", "view_b": "summer", "embeddings": "clip", "run": "again", "sae": files["sae"]}
    earlier = f"words of {files['vocabulary']}"
    assert values(form("compare_views", dataset, **again), "words") == [earlier, "none", "file"]
    execute("compare_views", dataset, **again, words=earlier)
    assert [h.text for h in load_comparison(dataset, "again").hypotheses] == [WORDS[DOG]]


def test_what_cannot_be_named_later_says_why_and_stays(dataset, stored, files, sae) -> None:
    before = state(dataset)
    with pytest.raises(InputError, match="not known by a name"):
        name_comparison(dataset, "seasons", files["vocabulary"])
    assert "not known by a name" in form("name_comparison", dataset, run="seasons")["run"]["error_message"]
    with pytest.raises(InputError, match="name the words"):
        name_comparison(dataset, "seasons", None, sae=sae)
    assert state(dataset) == before
    again = name_comparison(dataset, "seasons", files["vocabulary"], sae=sae)
    assert [h.text for h in again.hypotheses] == [h.text for h in stored.hypotheses]


@pytest.mark.parametrize(("text", "words"), [("dog, a kite;\nsnow,", ("dog", "a kite", "snow")), ("dog; dog", ("dog",)), (None, ())])
def test_words_are_typed_with_commas_semicolons_or_lines_between(text, words) -> None:
    assert typed_words(text) == words


def test_an_encoder_that_is_declared_gives_words(tmp_path) -> None:
    dataset = fo.Dataset()
    try:
        drawn.fill(dataset, tmp_path, 60, snowy=0.6)
        vectors = dataset.values("demo_clip")
        dataset.delete_sample_field("demo_clip")
        dataset.add_sample_field("vectors", fo.VectorField)  # as they come from elsewhere: nothing is recorded for them
        dataset.set_values("vectors", vectors)
        compare = {"view_a": "winter", "view_b": "summer", "embeddings": "vectors", "run": "bare"}
        assert values(form("compare_views", dataset, **compare), "words") == ["none", "file"]
        execute("compare_views", dataset, **compare)
        assert form("declare_encoder", dataset)["field"]["default"] == "vectors"
        execute("declare_encoder", dataset, field="vectors", encoder="demo")
        assert recorded(dataset, "vectors").source == ("demo", None)
        assert "overwrite" in form("declare_encoder", dataset, field="vectors")
        name = {"run": "bare", "words": "typed"}
        assert values(form("name_comparison", dataset, run="bare"), "words") == ["common", "file", "typed"]
        assert form("name_comparison", dataset, **name, typed="snow")["typed"]["invalid"]
        execute("name_comparison", dataset, **name, typed="snow, kite, dog, tree, boat")
        dataset.reload()
        run = load_comparison(dataset, "bare")
        assert run.hypotheses[0].text == "snow" and run.hypotheses[0].side == "A"  # winter, where it was planted
        assert run.config["form"]["typed"] == "snow; kite; dog; tree; boat"
    finally:
        dataset.delete()


@pytest.fixture
def undeclared(tmp_path, monkeypatch) -> Iterator[Any]:
    """Drawn scenes whose vectors are of an encoder that nothing records, and an empty cache."""
    monkeypatch.setenv("LATENTDIFF_CACHE", str(tmp_path / "cache"))
    dataset = fo.Dataset()
    drawn.fill(dataset, tmp_path, 60, snowy=0.6)
    dataset.add_sample_field("vectors", fo.VectorField)
    dataset.set_values("vectors", dataset.values("demo_clip"))
    yield dataset
    dataset.delete()


@pytest.mark.parametrize("sae", [None, "pair", "kept"])
def test_an_encoder_declared_later_changes_no_test(undeclared, sae) -> None:
    bare = compare_views(undeclared, "winter", "summer", embeddings="vectors", sae=sae, run="bare")
    ratios, before = undeclared.values("bare_log_ratio"), {h.concept: h.p_value for h in bare.candidates}
    record(undeclared, "vectors", Stamp(load_encoder("demo").fingerprint, ("demo", None)))
    for _ in range(2):  # named once more, with its record as the first time left it
        named = name_comparison(undeclared, "bare", ["snow", "kite", "dog", "tree", "boat"])
        assert (named.config["sae"], named.config["asked"]["sae"]) == (bare.config["sae"], sae)
        tests = {h.concept: h.p_value for h in named.candidates if h.concept in before}
        assert len(tests) > 5 and tests == {concept: p for concept, p in before.items() if concept in tests}
        undeclared.reload()
        assert undeclared.values("bare_log_ratio") == ratios


def test_a_comparison_whose_sae_is_gone_is_not_made_another_one(undeclared) -> None:
    compare_views(undeclared, "winter", "summer", embeddings="vectors", sae="kept", run="bare")
    record(undeclared, "vectors", Stamp(load_encoder("demo").fingerprint, ("demo", None)))
    for kept in latentdiff.kept_saes():
        kept.drop()
    undeclared.delete_samples(undeclared.match_tags("summer").limit(20))  # the field's SAE cannot be had again
    before = state(undeclared)
    with pytest.raises(InputError, match=r"is gone, and by .* compare the views again"):
        name_comparison(undeclared, "bare", "common")
    assert state(undeclared) == before
