"""Properties of the one ranked list: nothing twice, the shares of the branches, filling up, order."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from latentdiff.results.hypothesis import Hypothesis
from latentdiff.results.ranking import fold, mix, passing_first, same_thing


def hypothesis(text: str, source: str = "sae", side: str = "A", also: tuple[str, ...] = (), score: float = 1.0) -> Hypothesis:
    return Hypothesis(text, side, source, 0.1, 0.2, 0.1, 0.01, 0.02, 0.6, 0.5, score, also=also)


WORD = st.sampled_from([f"word {i}" for i in range(14)])
RANKED = st.lists(
    st.builds(hypothesis, WORD, st.sampled_from(["sae", "dre"]), also=st.lists(WORD, max_size=2).map(tuple)), max_size=25
)
SHARES = st.sampled_from([(3, 2), (1, 1), (5, 0), (0, 1), (2, 3)])


def test_same_thing() -> None:
    dog = hypothesis("dog", also=("puppy",))
    assert same_thing(dog, hypothesis("dog", "dre"))
    assert same_thing(dog, hypothesis("puppy", "dre"))
    assert same_thing(hypothesis("puppy", "dre"), dog)
    assert not same_thing(dog, hypothesis("puppy"))  # concepts are distinct among themselves already
    assert not same_thing(dog, hypothesis("cat"))
    assert not same_thing(dog, hypothesis("dog", side="B"))


@settings(deadline=None)
@given(RANKED)
def test_fold_keeps_the_first_of_each_thing(ranked: list[Hypothesis]) -> None:
    kept = fold(ranked)
    assert not any(same_thing(one, other) for i, one in enumerate(kept) for other in kept[:i])
    for i, h in enumerate(ranked):
        first = next((k for k in kept if same_thing(k, h)), None)
        assert first is not None
        assert any(first is g for g in ranked[: i + 1])


@settings(deadline=None)
@given(RANKED, st.integers(1, 12), SHARES)
def test_mix_repeats_nothing_keeps_the_order_and_fills_up(ranked: list[Hypothesis], k: int, shares: tuple[int, int]) -> None:
    chosen = mix(ranked, k, shares)
    assert len(chosen) <= k
    assert not any(same_thing(one, other) for i, one in enumerate(chosen) for other in chosen[:i])
    places = [next(i for i, g in enumerate(ranked) if same_thing(g, h)) for h in chosen]
    assert places == sorted(places)
    if len(chosen) < k:  # nothing was left out for want of the other branch
        assert all(any(same_thing(h, c) for c in chosen) for h in ranked)


@settings(deadline=None)
@given(st.integers(1, 12), SHARES, st.randoms(use_true_random=False))
def test_mix_keeps_the_shares_when_both_branches_have_enough(k: int, shares: tuple[int, int], random: object) -> None:
    ranked = [hypothesis(f"{s} {i}", s) for s in ("sae", "dre") for i in range(12)]
    random.shuffle(ranked)  # type: ignore[attr-defined]
    chosen = mix(ranked, k, shares)
    wanted = round(k * shares[0] / sum(shares))
    for source, count in (("sae", wanted), ("dre", k - wanted)):
        best = [h for h in ranked if h.source == source][:count]
        assert [h for h in chosen if h.source == source] == best


def test_five_are_three_concepts_and_two_phrases() -> None:
    ranked = [hypothesis(f"c{i}", "sae") for i in range(6)] + [hypothesis(f"p{i}", "dre") for i in range(6)]
    assert [h.text for h in mix(ranked, 5, (3, 2))] == ["c0", "c1", "c2", "p0", "p1"]
    assert [h.text for h in mix(ranked[:6] + ranked[6:7], 5, (3, 2))] == ["c0", "c1", "c2", "c3", "p0"]


def test_what_both_branches_found_is_told_in_the_exemplars_words() -> None:
    ranked = [hypothesis("dog", "sae", also=("puppy",)), hypothesis("puppy", "dre"), hypothesis("cat", "dre"), hypothesis("snow", "dre")]
    assert [h.text for h in mix(ranked, 3, (1, 2))] == ["puppy", "cat", "snow"]


def test_what_both_branches_found_stands_where_the_better_placed_does() -> None:
    ranked = [hypothesis("dog", "sae", also=("puppy",)), hypothesis("cat", "sae"), hypothesis("puppy", "dre")]
    assert [h.text for h in mix(ranked, 2, (1, 1))] == ["puppy", "cat"]


def test_what_passes_stands_for_what_has_its_name_and_does_not() -> None:
    first, other, passing = hypothesis("dog", "dre"), hypothesis("cat", also=("dog",)), hypothesis("dog", "word")
    ranked = [first, other, passing]
    assert passing_first([first, other], ranked, lambda h: h is passing) == (passing, other)
    assert passing_first([first, other], ranked, lambda h: h is other) == (first, other)  # another name, though it tells "also: dog"
    assert passing_first([passing, other], ranked, lambda h: True) == (passing, other)
