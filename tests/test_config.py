"""Options: refused where they make no sense, kept through JSON."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest

from latentdiff import CompareConfig, InputError


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("alpha", 0.0),
        ("alpha", "x"),
        ("alpha", True),
        ("seed", -1),
        ("seed", 1.5),
        ("skip_bad", "yes"),
        ("alpha", 0.51),
        ("alpha", float("nan")),
        ("mix", (3,)),
        ("mix", (0, 0)),
        ("mix", (-1, 3)),
        ("correction", "bonferroni"),
        ("binning", "fd"),
        ("rank_by", "effect"),
        ("prune_dominant", 1.0),
        ("prune_dominant", -0.1),
        ("folds", 1),
        ("folds", 21),
        ("penalties", ()),
        ("penalties", (1e-3, 0.0)),
        ("exemplars", 0),
        ("exemplars", 201),
        ("sae_trainer", "topk"),
    ],
)
def test_options_out_of_range_are_named_with_their_value(name: str, value: Any) -> None:
    with pytest.raises(InputError, match=rf"CompareConfig\.{name} must be") as caught:
        CompareConfig(**{name: value})
    assert repr(value) in str(caught.value)


def test_json_there_and_back() -> None:
    config = CompareConfig(seed=3, alpha=0.01, mix=[2, 3], penalties=[0.1], correction="by")  # type: ignore[arg-type]
    again = CompareConfig(**json.loads(json.dumps(config.to_dict())))
    assert again == config
    assert (again.mix, again.penalties) == ((2, 3), (0.1,))
    assert set(config.to_dict()) == {f.name for f in dataclasses.fields(CompareConfig)}


def test_it_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        CompareConfig().alpha = 0.1  # type: ignore[misc]


def test_paper_mode_is_the_papers_literal_choice_and_takes_changes() -> None:
    paper = CompareConfig.paper(seed=5, exemplars=4)
    assert (paper.binning, paper.rank_by, paper.prune_dominant, paper.exemplar_pool) == ("paper", "paper", 0.1, 10)
    assert (paper.prune_monosemanticity, paper.naming, paper.compounds) == (0.5, "decoder", False)
    assert (paper.seed, paper.exemplars) == (5, 4)
    assert CompareConfig().binning == "sparse"
