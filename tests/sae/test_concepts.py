"""Concept cards against naive counts, phrases from two words, the tree of a trained Matryoshka SAE, and ``latentdiff concepts``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

import latentdiff
from latentdiff import InputError, SparseAutoencoder, Vocabulary
from latentdiff.cli import main
from latentdiff.embed.sides import Sides
from latentdiff.embed.vocabulary import unit_rows
from latentdiff.sae.concepts import ConceptSet, concept_cards, describe_concepts
from latentdiff.sae.tree import ancestors, parents

WORDS = ("vehicle", "animal", "motorcycle", "car", "dog", "scooter", "sky", "sea")
CONCEPTS, WIDTH, DEAD = 8, 40, 7
AXES = np.eye(CONCEPTS, WIDTH)
TEXTS = AXES + 0.1
KINDS = {"scooter": (0, 2, 5), "motorcycle": (0, 2), "car": (0, 3), "dog": (1, 4), "animal": (1,), "sky": (6,)}
GROUPS = (2, 3, 3)


def images(n: int = 300, seed: int = 0) -> np.ndarray:
    """(n, 40) vectors: one axis a word, every image one kind and all that the kind is."""
    rng = np.random.default_rng(seed)
    x = 0.05 * rng.standard_normal((n, WIDTH))
    for row, kind in zip(x, rng.choice(list(KINDS), n), strict=True):
        row[list(KINDS[kind])] += rng.uniform(0.9, 1.3, len(KINDS[kind]))
    return x.astype(np.float32)


def identity_sae(**more: object) -> SparseAutoencoder:
    """Concept i fires where axis i is above one half; the last never does."""
    threshold = np.full(CONCEPTS, 0.5)
    threshold[DEAD] = 99
    return SparseAutoencoder(AXES.T, np.zeros(CONCEPTS), AXES, np.zeros(WIDTH), threshold, **more)  # type: ignore[arg-type]


def vocabulary() -> Vocabulary:
    return Vocabulary(WORDS, TEXTS)


def test_a_card_says_what_the_images_say() -> None:
    x = images()
    found = describe_concepts(identity_sae(groups=GROUPS), x, vocabulary=vocabulary())
    card = found.cards([2], images=4, companions=2)[2]
    fires = x > 0.5
    on = fires[:, 2]
    assert (card["label"], card["words"][0], card["weak"], card["concept"]) == ("motorcycle", "motorcycle", False, 2)
    assert (card["images_firing"], card["firing_rate"]) == (on.sum(), pytest.approx(on.mean()))
    assert card["mean_activation"] == pytest.approx(x[on, 2].mean(), rel=1e-5)
    assert card["exemplars"] == np.argsort(-x[:, 2])[:4].tolist()
    z = np.where(fires[:, :DEAD], x[:, :DEAD], 0)
    assert card["monosemanticity"] == pytest.approx(latentdiff.monosemanticity(z, x)[2], abs=1e-6)
    assert {c["label"] for c in card["cofiring"]} == {"scooter", "vehicle"}
    phi = [np.corrcoef(on, fires[:, c["concept"]])[0, 1] for c in card["cofiring"]]
    assert phi == sorted(phi, reverse=True)
    for c in card["cofiring"]:
        assert c["share"] == pytest.approx(fires[on, c["concept"]].mean())
        assert c["lift"] == pytest.approx(fires[on, c["concept"]].mean() / fires[:, c["concept"]].mean())
    assert (card["group"], card["path"]) == (1, [{"concept": 0, "label": "vehicle"}])
    assert card["children"] == [{"concept": 5, "label": "scooter"}]
    assert found.cards([5])[5]["path"] == [{"concept": 0, "label": "vehicle"}, {"concept": 2, "label": "motorcycle"}]
    assert json.loads(json.dumps(card, allow_nan=False)) == card


def test_dead_and_unnamed_concepts_have_cards() -> None:
    found = describe_concepts(identity_sae(), images())
    dead, live = (found.cards([k])[k] for k in (DEAD, 0))
    assert (dead["firing_rate"], dead["mean_activation"], dead["monosemanticity"], dead["exemplars"]) == (0.0, 0.0, None, [])
    assert (dead["label"], dead["cofiring"], dead["path"], dead["group"], dead["strength"]) == ("concept 7", [], [], None, None)
    assert live["label"] == "concept 0"
    assert {c["label"] for c in live["cofiring"]} == {"concept 2", "concept 3", "concept 5"}
    with pytest.raises(InputError, match="concepts 0 to 7, not 8"):
        found.cards([3, 8])


def test_cards_of_a_few_concepts_are_those_of_the_whole() -> None:
    x, words = images(), vocabulary()
    sae = identity_sae(groups=GROUPS)
    whole = describe_concepts(sae, x, vocabulary=words)
    some = concept_cards(sae, sae.encode(x), np.array([5, 4]), x, vocabulary=words, images=8)
    assert sorted(some) == [4, 5]
    for k, card in some.items():
        want = whole.cards([k])[k]
        near = {n: pytest.approx(want[n], abs=1e-5) for n in ("strength", "margin", "monosemanticity")}
        assert {**card, "children": None} == {**want, "children": None, **near}


def test_cards_of_two_sides_seen_as_one() -> None:
    x, sae = images(), identity_sae(groups=GROUPS)
    want = concept_cards(sae, sae.encode(x), np.array([2]), x, vocabulary=vocabulary())
    assert concept_cards(sae, sae.encode(x), np.array([2]), Sides(x[:120], x[120:]), vocabulary=vocabulary()) == want


def test_ancestors_called_the_same_are_told_once() -> None:
    sae = identity_sae(groups=GROUPS)
    found = ConceptSet(sae, sae.encode(images()), np.array([-1, -1, 0, -1, -1, 2, -1, -1]), np.full(CONCEPTS, np.nan), vocabulary())
    found.names = dict(describe_concepts(sae, images(), vocabulary=vocabulary()).names)
    found.names[2] = found.names[0]
    assert found.cards([5])[5]["path"] == [{"concept": 2, "label": "vehicle"}]
    assert found.cards([2])[2]["path"] == []


def test_a_middle_layer_is_named_by_the_images_joint_vectors() -> None:
    """The SAE's own space is a rotation of another width; what its concepts show is only seen in the joint vectors."""
    x = images()
    turn = np.linalg.qr(np.random.default_rng(4).standard_normal((50, 50)))[0][:WIDTH]
    inner, axes = (x @ turn).astype(np.float32), AXES @ turn
    sae = SparseAutoencoder(axes.T, np.zeros(CONCEPTS), axes, np.zeros(50), np.full(CONCEPTS, 0.5), {"encoder": {"layer": "blocks.11"}})
    found = describe_concepts(sae, inner, vocabulary=vocabulary(), joint_vectors=x)
    assert [found.label(k) for k in (3, 4, 6)] == ["car", "dog", "sky"]
    with pytest.raises(InputError, match="outside the space of the words"):
        describe_concepts(sae, inner, vocabulary=vocabulary())
    with pytest.raises(InputError, match="joint_vectors has 299 rows, vectors has 300"):
        describe_concepts(sae, inner, vocabulary=vocabulary(), joint_vectors=x[1:])


def encoder_of_sums(texts: Sequence[str]) -> np.ndarray:
    """A real, if simple, text encoder: the sum of its words' vectors."""
    vectors = dict(zip(WORDS, TEXTS, strict=True))
    return np.array([np.sum([vectors[w] for w in t.split()], axis=0) for t in texts])


def test_two_words_that_fit_become_a_phrase_and_one_that_suffices_does_not() -> None:
    x = images()
    x[:, 6] = 0
    x[:40] = 0
    x[:40, [0, 6]] = np.random.default_rng(1).uniform(1, 1.2, (40, 2))
    directions = AXES.copy()
    directions[6] = unit_rows(AXES[[0]] + AXES[[6]])[0]  # the concept that fires on vehicles in the sky
    sae = SparseAutoencoder(AXES.T, np.zeros(CONCEPTS), directions, np.zeros(WIDTH), np.full(CONCEPTS, 0.5))
    plain = describe_concepts(sae, x, vocabulary=vocabulary())
    found = describe_concepts(sae, x, vocabulary=vocabulary(), encode_texts=encoder_of_sums)
    assert plain.label(6) in ("vehicle", "sky")
    assert set(found.label(6).split()) == {"vehicle", "sky"}
    assert found.names[6].strength > plain.names[6].strength + 0.03
    assert [found.label(k) for k in (3, 4)] == ["car", "dog"]
    assert found.vocabulary is not None and len(found.vocabulary) > len(WORDS)
    assert found.cards([6])[6]["words"][1] == plain.label(6)


def test_the_tree_of_a_trained_matryoshka_sae_is_the_planted_one() -> None:
    """Three roots, two kinds each, two of those again. A concept stands for the node on whose images it fires best (F1)."""
    rng = np.random.default_rng(0)
    above = [-1] * 3 + [r for r in range(3) for _ in range(2)] + [m for m in range(3, 9) for _ in range(2)]
    holds = np.zeros((1500, 21), bool)
    for row in holds:
        node = int(rng.integers(9, 21)) if rng.random() < 0.7 else int(rng.integers(3, 9))
        while node >= 0:
            row[node], node = True, above[node]
    size = np.array([1.0] * 3 + [0.9] * 6 + [0.8] * 12)
    x = 3 * (holds * size * rng.uniform(0.8, 1.2, holds.shape) + 0.03 * rng.standard_normal(holds.shape))
    sae = latentdiff.train_sae(x.astype(np.float32), concepts=48, active=3, trainer="matryoshka", steps=400, seed=0, device="cpu")
    assert sae.groups is not None and len(sae.groups) > 2
    codes = sae.encode(x.astype(np.float32))
    fires = codes.toarray() > 0
    f1 = 2 * (fires.T.astype(float) @ holds) / np.maximum(fires.sum(0)[:, None] + holds.sum(0), 1)
    node, clear = f1.argmax(1), f1.max(1) > 0.6
    parent = parents(codes, sae.groups)
    lineage = {i: [i, *_upwards(above, i)] for i in range(21)}
    judged = [k for k in range(48) if clear[k] and parent[k] >= 0 and clear[parent[k]]]
    right = [node[parent[k]] in lineage[node[k]] for k in judged]
    assert len(judged) >= 6
    assert np.mean(right) > 0.9
    deep = [k for k in judged if node[k] >= 3 and node[parent[k]] != node[k]]
    assert deep and all(ancestors(parent, k) for k in deep)


def _upwards(above: list[int], node: int) -> list[int]:
    out = []
    while above[node] >= 0:
        node = above[node]
        out.append(node)
    return out


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    identity_sae(groups=GROUPS).save(tmp_path / "sae")
    np.save(tmp_path / "x.npy", images())
    np.savez(tmp_path / "words.npz", words=np.array(WORDS), vectors=TEXTS.astype(np.float32))
    np.save(tmp_path / "judge.npy", np.random.default_rng(3).standard_normal((300, 5)))
    return {name: str(tmp_path / name) for name in ("sae", "x.npy", "words.npz", "judge.npy", "judged")}


def test_the_command_prints_the_cards_of_the_library(files, capsys) -> None:
    assert main(["concepts", files["sae"], "--vectors", files["x.npy"], "--vocabulary", files["words.npz"], "--json"]) == 0
    cards = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    found = describe_concepts(identity_sae(groups=GROUPS), images(), vocabulary=vocabulary())
    rates = [card["firing_rate"] for card in cards]
    assert len(cards) == 7  # those that fire
    assert rates == sorted(rates, reverse=True)
    for card in cards:
        assert card.pop("depth") == 0
        assert card == found.cards([card["concept"]])[card["concept"]]


def test_the_command_prints_a_tree_and_a_card(files, capsys, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    arguments = ["concepts", files["sae"], "--vectors", files["x.npy"], "--vocabulary", files["words.npz"]]
    assert main([*arguments, "--tree"]) == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if "│" in line]
    cells = [line.split("│")[2].rstrip() for line in lines]
    at = cells.index("   motorcycle")
    assert cells.index(" vehicle") < at
    assert cells[at + 1] == "     scooter"
    assert " sky" not in cells  # nothing is above it or below it
    assert main([*arguments, "--tree", "--top", "0"]) == 0
    assert any(line.split("│")[2].rstrip() == " sky" for line in capsys.readouterr().out.splitlines() if "│" in line)
    assert main([*arguments, "--concept", "5", "--concept", "7"]) == 0
    out = capsys.readouterr().out
    assert "vehicle → motorcycle → scooter" in out
    assert "concept 7: concept 7" in out
    assert main([*arguments, "--concept", "8"]) == 2
    assert "concepts 0 to 7, not 8" in capsys.readouterr().err
    assert main([*arguments, "--top", "-1"]) == 2


def test_the_command_keeps_monosemanticity_with_the_sae(files, capsys) -> None:
    arguments = ["concepts", files["sae"], "--vectors", files["x.npy"], "--judge", files["judge.npy"], "--json"]
    assert main([*arguments, "--save", files["judged"]]) == 0
    capsys.readouterr()
    kept = latentdiff.load_sae(files["judged"])
    want = latentdiff.monosemanticity(identity_sae().encode(images()), np.load(files["judge.npy"]))
    assert kept.monosemanticity is not None
    np.testing.assert_allclose(kept.monosemanticity, want, atol=1e-6)
    assert kept.groups == GROUPS
    assert main(["concepts", files["judged"], "--vectors", files["x.npy"], "--json", "--sort", "monosemanticity"]) == 0
    values = [json.loads(line)["monosemanticity"] for line in capsys.readouterr().out.splitlines()]
    np.testing.assert_allclose(values, np.sort(want[~np.isnan(want)])[::-1], atol=1e-6)
