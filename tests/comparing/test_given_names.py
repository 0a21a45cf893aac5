"""What is given by name, by number, or as a pair of arrays is what it says; what cannot be is refused with the reason."""

from __future__ import annotations

import dataclasses
import datetime
from typing import Any

import numpy as np
import pytest

from latentdiff import Comparison, InputError, SparseAutoencoder, Vocabulary, compare
from latentdiff.report.content import content
from latentdiff.results.known import concept_of, known_text, phrase_of, same_known

WIDTH, N = 12, 120
RNG = np.random.default_rng(4)
A, B = (RNG.standard_normal((N, WIDTH)).astype(np.float32) for _ in range(2))
B[:50, 0] += 6
WORDS = Vocabulary(["camera", *(f"word {i}" for i in range(1, WIDTH))], np.eye(WIDTH, dtype=np.float32))
AXES = SparseAutoencoder(np.eye(WIDTH), np.zeros(WIDTH), np.eye(WIDTH), np.zeros(WIDTH), np.full(WIDTH, 1.0), {"name": "axes"})


def past(given: Any, sae: SparseAutoencoder = AXES, **fields: Any) -> Comparison:
    """With fields whose values are the same on both sides, or a pair of them."""
    pairs = {name: own if isinstance(own, tuple) else (own, own) for name, own in fields.items()}
    sides = {f"fields_{side}": {name: own[i] for name, own in pairs.items()} for i, side in enumerate("ab")}
    return compare(A, B, sae=sae, vocabulary=WORDS, given=[given], **(sides if fields else {}))


def test_a_field_of_one_value_changes_nothing_and_is_no_phrase() -> None:
    plain, found = compare(A, B, sae=AXES, vocabulary=WORDS), past("camera", camera=["2"] * N)
    assert found.info["given"] == {"names": ["camera"], "images": N, "without": {"A": 0, "B": 0}, "strata": 1, "by": "equal values"}
    assert "camera is the same for all images: holding it equal changes nothing" in found.info["remarks"]
    assert found.candidates == plain.candidates
    assert past("camera").info["given"]["by"] == "near values"  # where no field is called so


@pytest.mark.parametrize(
    ("name", "values", "why"),
    [
        ("camera", ([f"a{i}" for i in range(N)], [f"b{i}" for i in range(N)]), "almost every image has a value of its own"),
        ("camera", ([object()] * N, [object()] * N), "values of a kind that is not compared"),
        ("image_id", (np.arange(N), N + np.arange(N)), "an id"),
    ],
)
@pytest.mark.parametrize("value", ["", " = 2"])
def test_a_field_that_was_left_out_is_refused_with_the_reason(name: str, values: tuple[Any, Any], why: str, value: str) -> None:
    with pytest.raises(InputError, match=f"the field '{name}' cannot be held equal, since it was left out: {why}"):
        past(name + value, **{name: values})


def test_a_field_of_one_side_is_refused_with_the_reason() -> None:
    with pytest.raises(InputError, match="left out: on one side only"):
        compare(A, B, sae=AXES, vocabulary=WORDS, given=["camera"], fields_a={"camera": ["x", "y"] * (N // 2)}, fields_b={})


@pytest.mark.parametrize("name", ["note  x", " note", "k = v", "concept 3", "note"])
def test_fields_and_values_are_found_by_the_names_that_they_have(name: str) -> None:
    values = ["a  b", "c"] * (N // 2)
    assert past(name, **{name: values}).info["given"]["names"] == [name]
    found = past(f"{name} = a  b", **{name: values}).info["given"]
    assert (found["names"], found["strata"]) == ([f"{name} = a  b"], 2)
    assert past(f"{name} =  c ", **{name: values}).info["given"]["names"] == [f"{name} = c"]


def test_a_finding_holds_the_concept_of_its_own_sae_equal_and_no_other() -> None:
    plain = compare(A, B, sae=AXES)
    finding = plain.hypotheses[0]
    assert (finding.concept, finding.sae_key) == (0, AXES.key)
    assert compare(A, B, sae=AXES, given=[finding]).hypotheses == ()
    turned = np.roll(np.eye(WIDTH), 1, axis=0)
    other = SparseAutoencoder(turned.T, np.zeros(WIDTH), turned, np.zeros(WIDTH), np.full(WIDTH, 1.0), {"name": "others"})
    with pytest.raises(InputError, match="'concept 0' is a concept of another sparse autoencoder; compare with the same one"):
        compare(A, B, sae=other, given=[finding])
    earlier = dataclasses.replace(finding, sae_key="")  # what earlier versions found does not say
    assert compare(A, B, sae=other, given=[earlier]).info["given"]["names"] == ["concept 0"]


def test_a_guess_that_goes_by_number_is_of_its_own_sae_too() -> None:
    guess = dataclasses.replace(compare(A, B, sae=AXES).hypotheses[0], text="camera", weak=True, sae_key="of another")
    with pytest.raises(InputError, match="another sparse autoencoder"):
        past(guess)
    assert past(dataclasses.replace(guess, weak=False)).info["given"]["names"] == ["camera"]  # a name that fits is a phrase


def test_a_saved_finding_knows_its_sae(tmp_path: Any) -> None:
    compare(A, B, sae=AXES).save(tmp_path / "kept")
    assert {h.sae_key for h in Comparison.load(tmp_path / "kept").candidates if h.concept is not None} == {AXES.key}


def test_numbers_with_none_among_them_are_numbers() -> None:
    x = RNG.normal(size=2 * N)
    x[::9] = np.nan
    none = np.where(np.isnan(x), None, x.astype(object))
    as_numbers, *others = (
        past((values[:N], values[N:])).info["given"] for values in (x, none, none.tolist(), np.c_[none, none], np.c_[x, x].astype(object))
    )
    assert as_numbers["names"] == ["numbers given"]
    assert as_numbers["without"] == {"A": 0, "B": 0}
    assert others == [as_numbers] * 4


def test_labels_and_dates_are_read_as_fields_are() -> None:
    sides = ["u", "v"] * (N // 2), ["u", None] * (N // 2)
    labels = past(sides).info["given"]
    assert (labels["names"], labels["without"]) == (["labels given"], {"A": N // 2, "B": N // 2})
    rare = [f"scene {i // 3}" for i in range(N)]  # too rare for tests of values
    assert past((rare, rare)).info["given"]["strata"] == N // 3
    days = [datetime.date(2024, 5, 1) + datetime.timedelta(days=i) for i in range(N)]
    assert past((days, days)).info["given"] == {**past((np.arange(N), np.arange(N))).info["given"], "names": ["dates given"]}


@pytest.mark.parametrize("pair", [([[1], [2, 3]] * (N // 2),) * 2, (np.full((N, 2), "x"),) * 2, (np.full((N, 2), "x", object),) * 2])
def test_pairs_that_are_no_numbers_and_no_labels_are_refused(pair: Any) -> None:
    with pytest.raises(InputError, match="a pair of arrays"):
        past(pair)


def test_a_concept_that_is_looked_past_is_told_by_its_name() -> None:
    plain = compare(A, B, sae=AXES)
    assert past("concept 0").info["given"]["names"] == ["camera (concept 0)"]
    for text in ("camera (concept 0)", "our  new camera (concept 0)"):  # a name that people gave it
        found = past(text)
        assert found.info["given"] == {**past("concept 0").info["given"], "names": [" ".join(text.split())]}
        assert "looking past " + " ".join(text.split()) + ":" in content(found).notes[0]
    assert compare(A, B, sae=AXES, given=["concept 0"]).info["given"]["names"] == ["concept 0"]  # without words
    guess = dataclasses.replace(plain.hypotheses[0], text="camera", weak=True)
    assert past(guess).info["given"]["names"] == ["looks like camera (concept 0)"]


def test_a_phrase_that_is_looked_past_is_told_by_the_name_that_people_gave_it() -> None:
    found = past("our camera (“camera”)").info["given"]
    assert found == {**past("camera").info["given"], "names": ["our camera (“camera”)"]}


@pytest.mark.parametrize(
    ("changes", "name", "text"),
    [
        ({"concept": 2, "weak": True}, "looks like bus", "looks like bus (concept 2)"),
        ({"concept": 2, "weak": True}, "our van; old", "our van, old (concept 2)"),
        ({"concept": 2}, "bus", "bus"),
        ({"concept": 2}, "our van", "our van (concept 2)"),
        ({"concept": 2, "text": "concept 2"}, "concept 2", "concept 2"),
        ({"concept": None}, "bus", "bus"),
        ({"concept": None, "weak": True}, "looks like bus", "bus"),
        ({"concept": None}, "our van", "our van (“bus”)"),
    ],
)
def test_what_is_looked_past_is_found_again_by_its_text(changes: dict[str, Any], name: str, text: str) -> None:
    h = dataclasses.replace(compare(A, B, sae=AXES).hypotheses[0], **{"text": "bus", "weak": False, **changes})
    assert known_text(h, name) == text
    assert (concept_of(text), phrase_of(text)) == ((2, text) if "concept 2" in text else (None, "bus"))
    assert same_known(text, "concept 2" if "concept 2" in text else "bus") and not same_known(text, "concept 3")
