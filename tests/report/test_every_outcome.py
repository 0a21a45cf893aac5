"""There is something to look at in every outcome: grey leads where nothing is found, and slight shifts folded below the cards."""

from __future__ import annotations

import dataclasses
import re

import pytest
from PIL import Image

from latentdiff import Comparison
from latentdiff.report.content import content
from latentdiff.report.html import document
from latentdiff.report.notebook import notebook_html
from latentdiff.report.tables import as_dict, markdown
from tests.results.test_comparison import comparison, hypothesis

NAMES = ("winter", "summer")
GAP = {"rate_a": 37 / 600, "rate_b": 28 / 600, "effect": 9 / 600}


@pytest.fixture
def found() -> Comparison:
    """In winter a finding, in summer two leads, of which one is a guess; two slight shifts."""
    candidates = (
        hypothesis("kite", "A", "sae", 0.01, concept=1),
        hypothesis("vase", "B", "sae", 0.21, concept=2, exemplars=(1, 0), **GAP),
        hypothesis("cup", "B", "dre", 0.9, weak=True, **GAP),
        hypothesis("white dog", "A", "sae", 0.02, concept=3, slight=True, **GAP),
        hypothesis("beach", "B", "sae", 0.03, concept=4, slight=True, **{**GAP, "effect": 0.001}),
    )
    info = {"n_a": 600, "n_b": 600, "levels": {"concept": 1e-4}, "exemplars": {"B": {"rows": [1]}}}
    return dataclasses.replace(comparison(), candidates=candidates, info=info)


def cards(page: str) -> list[list[str]]:
    """Classes, title and line below it of every card."""
    articles = re.findall(r'<article class="([^"]+)"><h3>(.*?)</h3>(?:<p class="ld-also"[^>]*>(.*?)</p>)?', page)
    return [list(article) for article in articles]


def test_leads_are_grey_cards_that_say_how_far_they_are_from_a_finding(found: Comparison) -> None:
    more = round(-(-(found.to_decide(found.candidates[1]) / 2 - 600) // 100) * 100)  # a side, to two digits
    assert 1000 < more < 10_000
    needs = f"about {more:,} more images a side would decide it"
    lead = "ld-card ld-lead"
    expected = [
        ["ld-card", "kite", ""],
        [lead, "vase", f"Lead, not proven: perhaps chance; q = 0.21 against 0.05; {needs}"],
        [lead, "<i>looks like</i> cup", "Lead, not proven: perhaps chance; q = 0.9 against 0.05"],
    ]
    said = content(found, NAMES)
    page = document(said, {"B": [Image.new("RGB", (9, 9)), Image.new("RGB", (9, 9), "red")]})
    assert cards(page) == expected and cards(notebook_html(found)) == expected
    assert "nearest to it" not in page  # the cards say it
    vase = page[page.index(">vase<") : page.index("cup</h3>")]
    assert vase.count("<img") == 2 and page.count("typical of summer, example") == 1
    told = f"nearest to it, perhaps chance: vase (6% of winter, 5% of summer; {needs}); then looks like: cup"
    assert told in " ".join(as_dict(said, {})["notes"]) and "vase (6% of winter, 5% of summer" in markdown(said)


def test_slight_shifts_are_folded_below_the_cards(found: Comparison) -> None:
    said = content(found, NAMES)
    told = (
        "a slight shift of winter towards white dog (6% of winter, 5% of summer), too little for a finding; "
        "a slight shift of summer towards beach, with next to no image that crosses over"
    )
    for page in (document(said, {}), notebook_html(dataclasses.replace(found, info={**found.info, "names": list(NAMES)}))):
        folded = f'<details class="ld-shifts"><summary>2 slight shifts</summary><p class="ld-notes">{told}.</p></details>'
        assert page.count("slight shift of") == 2 and page.index(folded) > page.rindex("</article>")
    text = markdown(said)
    assert text.count("slight shift of") == 2 and text.index("slight shift of") > text.index("More in summer")
    assert as_dict(said, {})["notes"][-3:-1] == told.split("; ")
    one = content(dataclasses.replace(found, candidates=found.candidates[:4]), NAMES)
    assert "<summary>1 slight shift</summary>" in document(one, {})
    assert "slight shift" not in document(content(dataclasses.replace(found, candidates=found.candidates[:3]), NAMES), {})
