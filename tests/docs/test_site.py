"""The site: every public name has an entry, what it says of constants is so, its notebooks run and say what they say."""

from __future__ import annotations

import importlib
import importlib.util
import json
import re
from pathlib import Path
from types import ModuleType
from typing import ClassVar

import pytest

EXAMPLES = {
    "arrays": ("snow: more in B", "100% of the fifty most typical of B show snow", "no detectable difference"),
    "two_folders": ("Comparison(differs; 150 and 150 images", "more in winter: snow", "pictures", "broken.jpg: not an image"),
    "fiftyone": ("True ['snow: ", "{'snow': 20}", "['winter_vs_summer']", "# How winter and summer differ", "[] False"),
    "own_sae": ("(500, 64)", "['config.json', 'sae.safetensors', 'trained_on.npy'] True", "Comparison(differs", "more in A: boat"),
}
"""Notebook → what it prints, whatever the machine."""
CONSTANTS = {
    "at most {}; by": "stats.histograms.MAX_BINS",
    "below {} activations": "stats.histograms.STURGES_BELOW",
    "at least {:.0f} images of either side": "stats.divergence.FEWEST_EXPECTED",
    "fewer than {} images are not tested": "comparing.candidates.TESTED_FROM",
    "|firing z| ≥ {}": "stats.density_ratio.EVIDENCE_Z",
    "mean of {} such cross-fittings": "comparing.differing.CROSS_FITTINGS",
    "beyond {:,} images). It is": "comparing.differing.REPEATED_UP_TO",
    "anew {} times": "stats.two_sample.RELABELLINGS",
    "beyond {:,} images), and": "stats.two_sample.MANY",
    "at most {} words": "comparing.differing.SHORT_LIST",
    "Beyond {:,} images the relabelling": "stats.two_sample.MOST",
    "multiplied by {}, since": "comparing.candidates.FAMILIES",
    "fewer than {} images show it": "comparing.evidence.FEWEST_SHOWING",
    "smaller of {:.0%} and half": "comparing.evidence.LEAST_GAP",
    "takes the {} images a side": "comparing.candidates.TELLING",
    "the {:.0%} highest scores of both": "stats.phrases.TAIL",
    "from {:,} images a side on": "stats.exchange.WELCH_FROM",
    "has {} or more: those": "comparing.word_candidates.FEWEST",
    "to the power {}": "comparing.candidates.STRENGTH_POWER",
    "less than {} deviations above": "stats.prevalence.SEPARATION",
    "than cosine {} count as one": "sae.naming.NEAR_SYNONYM",
    "({} at most)": "sae.naming.PREFERENCE",
}
"""What docs/numbers.md says → where the number is."""


@pytest.fixture(scope="module")
def site(root: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("site_pages", root / "tools" / "site.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("package", ["latentdiff", "fiftyone_plugin"])
def test_every_public_name_has_an_entry(site: ModuleType, package: str) -> None:
    public = importlib.import_module(package)
    entries = re.findall(r"^::: (\S+)$", site.reference(package), re.MULTILINE)
    found = []
    for entry in entries:
        module, _, name = entry.rpartition(".")
        found.append(getattr(importlib.import_module(module), name))
    assert len(entries) == len(public.__all__)
    assert all(any(getattr(public, name) is value for value in found) for name in public.__all__)


def test_the_page_of_numbers_says_what_the_code_does(root: Path) -> None:
    page = " ".join((root / "docs" / "numbers.md").read_text(encoding="utf8").split())
    for said, where in CONSTANTS.items():
        module, _, name = where.rpartition(".")
        value = getattr(importlib.import_module(f"latentdiff.{module}"), name)
        assert said.format(value).replace("%", " %") in page, f"{where} is {value} now"
    from latentdiff import CompareConfig

    config = CompareConfig()
    assert f"{config.folds} folds" in page and f"below {config.weak_name} times" in page and config.mix == (3, 2)


def test_a_page_that_the_navigation_forgets_is_listed(site: ModuleType, tmp_path: Path) -> None:
    class Config:
        docs_dir = str(tmp_path)
        nav: ClassVar = [{"Start": "index.md"}, {"Part": [{"One": "part/one.md"}, {"Known": "known.md"}]}]

    for name in ("known.md", "later.md", "index.md"):
        (tmp_path / name).write_text("# A page\n")
    assert site.on_config(Config).nav[2:] == [{"More": ["later.md"]}]


def test_a_page_that_loads_from_elsewhere_fails_the_build(site: ModuleType, tmp_path: Path) -> None:
    class Config:
        site_dir = str(tmp_path)

    (tmp_path / "good.html").write_text('<a href="https://example.com">read</a><link rel="canonical" href="https://example.com/">')
    site.on_post_build(Config)
    for bad in ('<script src="https://example.com/x.js"></script>', "<img src=//example.com/x.png>", '<link rel=x href="http://e.com/x.css">'):
        (tmp_path / "bad.html").write_text(bad)
        with pytest.raises(site.PluginError, match=r"bad\.html loads from another host"):
            site.on_post_build(Config)


def test_a_notebook_becomes_a_page(site: ModuleType, tmp_path: Path) -> None:
    warning = {"output_type": "stream", "name": "stderr", "text": ["a warning"]}
    printed = {"output_type": "stream", "name": "stdout", "text": ["one\n", "two\n"]}
    cells = [
        {"cell_type": "markdown", "source": ["# Title"]},
        {"cell_type": "code", "source": ["print(1)"], "outputs": [warning, printed]},
        {"cell_type": "code", "source": ["x"], "outputs": [{"output_type": "execute_result", "data": {"text/plain": ["3"]}}]},
    ]
    (tmp_path / "n.ipynb").write_text(json.dumps({"cells": cells}))
    page = site.page_of(tmp_path / "n.ipynb")
    assert page.startswith("# Title\n\n```python\nprint(1)\n```\n\n```text\none\ntwo\n```\n\n```python\nx\n```\n\n```text\n3\n```\n")
    assert "warning" not in page


@pytest.mark.parametrize("name", EXAMPLES)
def test_example_runs(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    import nbformat
    from nbclient import NotebookClient

    stored = nbformat.read(root / "docs" / "examples" / f"{name}.ipynb", as_version=4)
    assert {p.stem for p in (root / "docs" / "examples").glob("*.ipynb")} == set(EXAMPLES)
    shown = said(stored)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", str(root), prepend=":")
    ran = NotebookClient(stored, timeout=600, resources={"metadata": {"path": str(tmp_path)}}).execute()
    for text in EXAMPLES[name]:
        assert text in said(ran)
        assert text in shown, "what is stored is from another run; execute the notebook anew"


def said(notebook) -> str:
    """All that its cells printed or returned."""
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ()) if output.get("name") != "stderr"]
    return "\n".join(str(output.get("text") or output.get("data", {}).get("text/plain")) for output in outputs)
