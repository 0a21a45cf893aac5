"""What a report explains stands in it: every term is looked for in the rest of its text, and every number of the rest is explained."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp

from latentdiff import CompareConfig, Comparison, ConceptTable, Hypothesis, TwoSampleTest, write_report
from latentdiff.results.fields import FieldDifference

NAN = float("nan")
X = np.linspace(-1, 1, 30, dtype=np.float32)
FULL = Hypothesis("dog", "A", "sae", 0.5, 0.6, 0.1, 1e-4, 0.001, 0.8, 0.4, 9.0, concept=0, fires_a=0.6, fires_b=0.1, crowd_p=1e-4, refits=5)
PLAIN = Hypothesis("dog", "A", "visdiff", 0.5, 0.6, 0.1, NAN, 0.0, NAN, NAN, 9.0)


def made(*found: Hypothesis, differs: bool = True, auc: float = 0.9, concepts: int = 1, scores: bool = True) -> Comparison:
    shows = sp.csr_array(np.ones((30, len(found)), bool))
    ratio = X if scores else np.full(30, NAN, np.float32)
    columns = (np.full(concepts, v) for v in (0.6, 0.1, 0.5, 0.1, 0.1, 0.001, 0.01))
    table = ConceptTable(np.arange(concepts), *columns, name=("dog",) * concepts)
    test = TwoSampleTest(auc, 0.001 if differs else 0.4)
    return Comparison(found, ratio, ratio, shows, shows, test, differs, 0.1, table, CompareConfig(), {})


CAMERA = FieldDifference("camera", "2", "category", "A", 0.9, 0.1, NAN, NAN, 0.9, 1e-6, 1e-5)
NONE = made(differs=False)
COMPARISONS = {
    "one of all kinds": made(FULL),
    "with overlaps": made(dataclasses.replace(FULL, overlaps=("pet",), folded=("puppy",))),
    "a baseline": made(PLAIN, auc=NAN, concepts=0, scores=False),
    "nothing found": NONE,
    "a lead": made(dataclasses.replace(FULL, q_value=0.2), differs=False),
    "a field": dataclasses.replace(NONE, tested_fields=(CAMERA,)),
}


def parts(path: Path) -> tuple[set[str], str]:
    """Terms that a report explains, and the text before them."""
    text = path.read_text(encoding="utf8")
    before, _, after = text.partition("How to read this")
    if path.suffix == ".md":
        return {term.replace("\\", "") for term in re.findall(r"^- \*\*(.+?)\*\*:", after, re.MULTILINE)}, before
    after = after.partition("</dl>")[0]
    return set(re.findall(r"<dt>(.*?)</dt>", after)), re.sub(r'\b(title|class|style)="[^"]*"', "", before.partition("<body")[2])


@pytest.mark.parametrize("kind", [".md", ".html"])
@pytest.mark.parametrize("name", COMPARISONS)
def test_what_is_explained_is_there_and_what_is_there_is_explained(name: str, kind: str, tmp_path: Path) -> None:
    terms, text = parts(write_report(COMPARISONS[name], tmp_path / f"report{kind}", names=("summer", "winter")))
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("|")]
    columns = {column for row in cells for column in row} if kind == ".md" else set(re.findall(r"<dt[^>]*>(.*?)</dt>", text))
    signs = {
        "rates": 'class="ld-rates"' if kind == ".html" else "| what |",
        "also": "also",
        "score": "typical of winter    score",
        "how sure": "how sure (−log10 q)",
    }
    raw = write_report(COMPARISONS[name], tmp_path / f"again{kind}", names=("summer", "winter")).read_text(encoding="utf8")
    for term in terms:
        if term.startswith("found as “"):
            assert term[10:-1] in text
        elif term in signs:
            assert signs[term] in raw.partition("How to read this")[0], term
        else:
            assert term in columns or re.search(rf"\b{term}\b", text), term
    for term in ("AUC", "p", "q", "AUROC"):
        assert not re.search(rf"\b{term}( [=<]|&lt;| 0\.\d)", text) or term in terms, term


def test_markdown_explains_columns_and_no_bars(tmp_path: Path) -> None:
    text = write_report(COMPARISONS["one of all kinds"], tmp_path / "report.md").read_text(encoding="utf8")
    after = text.partition("How to read this")[2]
    assert "bars" not in after and "logarithm" not in after and "crowd" not in after
    assert all(f"**{term}**" in after for term in ("rates", "difference", "q", "AUROC", "AUC", "p", "name", "found as “concept”"))
    baseline = write_report(COMPARISONS["a baseline"], tmp_path / "baseline.md").read_text(encoding="utf8").partition("How to read")[2]
    assert not any(f"**{term}**" in baseline for term in ("AUC", "p", "AUROC", "score", "found as “concept”"))
