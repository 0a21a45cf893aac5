"""Whatever a language model answers: bounded lists of short printable phrases."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from latentdiff.describe.parsing import LONGEST_PHRASE, parse_phrases, refuses, spoken


@pytest.mark.parametrize(
    ("answer", "wanted"),
    [
        ('{"phrases": []}', []),
        ("[]", []),
        ('{"phrases": ["red bus", "dogs", "unfini', ["red bus", "dogs"]),
        ('```\n["red bus"]\n```', ["red bus"]),
        ('{"a": {"b": ["red bus"]}, "n": 3}', ["red bus"]),
        ('["Red bus", "red bus", "dogs"]', ["Red bus", "dogs"]),
        ("Here are the differences:\n\n1. red bus\n2. dogs\n\nHope this helps!", ["red bus", "dogs"]),
        ("(a) red bus\n(b) dogs", ["red bus", "dogs"]),
        ("red bus\ndogs\nbeach", ["red bus", "dogs", "beach"]),
        ('{"phrases": [{"phrase": "red bus", "reason": "many captions say so"}, {"phrase": "dogs", "score": 2}]}', ["red bus", "dogs"]),
        ("- Red buses: " + "many captions of the first set mention them " * 3 + "\n- dogs (e.g. poodles, terriers)", ["Red buses", "dogs"]),
        ("1. **Red bus** - in most captions\n2. **Dogs** \u2013 in some", ["Red bus", "Dogs"]),
        ("* ice-cream cones - seen in many\n* stop sign", ["ice-cream cones", "stop sign"]),
        ("cats? [no] dogs? [yes]</think>\n- red bus\n- dogs", ["red bus", "dogs"]),
        ("<think>" + "a cat, or not. " * 5000 + "</think>1. red bus\n2. dogs", ["red bus", "dogs"]),
        ("Set A contains images of dogs. It also includes boats.", ["dogs", "boats"]),
        ("The images show more dogs than the second set.", ["dogs"]),
        ("I cannot help with that request.", []),
        ("As an AI model, I see no images.", []),
        ("<html><body>no</body></html>", []),
        ("", []),
    ],
)
def test_answers(answer, wanted) -> None:
    assert parse_phrases(answer, 10) == wanted


def test_count_and_length_are_limited() -> None:
    assert parse_phrases("\n".join(f"- dog {i}" for i in range(50)), 7) == [f"dog {i}" for i in range(7)]
    assert parse_phrases('["' + "x" * (LONGEST_PHRASE + 1) + '", "ok"]', 5) == ["ok"]


@pytest.mark.parametrize("piece", ["[", "{", "set ", "- ", '"\\', "```", "<think>", "and ", "a\n"])
def test_pathological_answers_end(piece) -> None:
    assert all(len(p) <= LONGEST_PHRASE for p in parse_phrases(piece * 50_000, 10))


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=400))
def test_any_text_gives_short_printable_phrases(answer) -> None:
    found = parse_phrases(answer, 5)
    assert len(found) <= 5 and all(p and p.isprintable() and len(p) <= LONGEST_PHRASE for p in found)


def test_thoughts_are_no_answer() -> None:
    assert spoken("<think>I can't say 2</think> 1") == "1" and spoken("no </think> yes") == "yes" and spoken(" plain ") == "plain"
    assert refuses("<think>fine</think>I'm sorry, but no.") and not refuses("<think>I'm sorry?</think>- dogs")
