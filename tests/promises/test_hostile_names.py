"""Names and phrases with markup, formulas, escape sequences, operators of MongoDB and dots: shown as text, used as values, or refused."""

from __future__ import annotations

import dataclasses
import functools
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

import latentdiff
from latentdiff.errors import LatentDiffError
from tests.planted import DOG, WIDTH, state, vectors
from tests.promises.hostile_targets import compared

ATTACKS = (
    "<img src=x onerror=alert(1)>", "</title></style><script>alert(1)</script>", '" onmouseover="alert(1)', "' autofocus onfocus='x",
    "[click](javascript:alert(1))", "![x](http://evil.example/x.png)", "<http://evil.example>", "http://evil.example/", "www.evil.example",
    "me@evil.example", "| a | b |", "`code`", "**bold** _it_ ~~gone~~", "# heading", "- item", "> quote", "***", "&lt;script&gt;", "\\",
    '=HYPERLINK("http://evil.example")', "+1+1", "@SUM(1)", "\u202egnp.exe", "line\nbreak\r\n\r\n# and more", "\u2028\u2029", "[x]: http://e",
    "<!-- ", "]]>", "{{7*7}}", "${7*7}", "{0.__class__}", "%s%n", "\x1b[31mred\x1b]0;title\x07", "<a href='http://evil.example'>a</a>",
)  # fmt: skip
OPERATORS = ("$where", "$gt", "a.b", "a.$b", "$", ".", "..", "a.", ".a", "{$where: 1}", "runs.x", "_id", "__proto__", "constructor", "0",
             "\0", "a\0b")  # fmt: skip
SCRIPTS = ("Sommer ☀", "夏と冬", "лето", "صيف", "קיץ", "ฤดูร้อน", "ग्रीष्म", "e\u0301te\u0301", "🏖️👩‍👩‍👧", "a" * 900)
anything = st.sampled_from(ATTACKS + OPERATORS + SCRIPTS) | st.text(min_size=1, max_size=40)
quietly = {"deadline": None, "database": None, "suppress_health_check": list(HealthCheck), "phases": [Phase.generate]}


@pytest.fixture(scope="module")
def cases(torture: bool) -> int:
    return 1000 if torture else 30


class Tags(HTMLParser):
    """Tags with their attributes, and all visible text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def markup_of(markdown: str) -> set[str]:
    """Kinds of elements that Markdown makes of a text beyond those of our own, by an independent parser (raw HTML on: the worst case)."""
    from markdown_it import MarkdownIt

    kinds = set()
    parser = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    parser.validateLink = lambda url: True  # it would leave javascript: alone by itself; the App's parser need not
    tokens = parser.parse(markdown)
    for token in (t for outer in tokens for t in (outer, *(outer.children or ()))):
        kinds.add(token.type)
    html, code = {"html_block", "html_inline"}, {"code_inline", "code_block", "fence"}
    return kinds & (html | code | {"link_open", "image", "blockquote_open", "s_open", "hr"})


def bare_addresses(markdown: str) -> list[str]:
    """What GitHub's flavour would turn into links by itself."""
    return re.findall(r"(?<![\\\w])(?:https?://|www\.)\w|\w@\w+\.\w", markdown)


def altered(texts: list[str]) -> latentdiff.Comparison:
    """A comparison that says these texts wherever it can say one."""
    comparison = compared()
    turn = [texts[i % len(texts)] for i in range(100)]
    candidates = tuple(
        dataclasses.replace(h, text=f"{turn[i]} {i}", also=tuple(turn[:3]), words=tuple(turn[:2]), path=tuple(turn[:2]), weak=i % 2 == 0)
        for i, h in enumerate(comparison.candidates)
    )
    table = dataclasses.replace(comparison.concepts, name=tuple(turn[i % 100] for i in range(len(comparison.concepts.concept))))
    cards = {str(h.concept): {"words": turn[:3], "label": turn[0], "cofiring": [{"label": turn[1], "share": 0.5}]} for h in candidates}
    info = {**comparison.info, "names": [turn[0], turn[1]], "cards": cards, turn[2]: turn[3]}
    return dataclasses.replace(comparison, candidates=candidates, concepts=table, info=info)


def test_no_text_becomes_markup_in_a_report(tmp_path: Path, cases: int, faults: Any) -> None:
    plain = latentdiff.write_report(altered(["plain", "words"]), tmp_path / "plain.html")
    ours = {tag for tag, _ in Tags(plain.read_text(encoding="utf8")).tags}
    assert not ours & {"script", "a", "iframe", "object", "embed", "form", "base", "link", "img"}
    for attack in ATTACKS:  # the oracle finds what is not escaped
        if attack.startswith(("<img", "[click", "![", "</title", "<http")):
            assert markup_of(f"or {attack}")

    @settings(max_examples=cases, **quietly)
    @given(st.lists(anything, min_size=4, max_size=8))
    def one(texts: list[str]) -> None:
        comparison = altered(texts)
        page = Tags(latentdiff.write_report(comparison, tmp_path / "r.html").read_text(encoding="utf8"))
        assert {tag for tag, _ in page.tags} <= ours
        for _, attributes in page.tags:
            assert not [a for a in attributes if a.startswith("on") or a in ("href", "src", "style", "autofocus")]
        markdown = latentdiff.write_report(comparison, tmp_path / "r.md").read_text(encoding="utf8")
        assert not markup_of(markdown) and not bare_addresses(markdown)
        for line in latentdiff.write_report(comparison, tmp_path / "r.csv").read_text(encoding="utf8").splitlines():
            assert not line.startswith(("=", "+", "@", "\t"))
        json.loads(latentdiff.write_report(comparison, tmp_path / "r.json").read_text(encoding="utf8"))
        faults.survived("hostile text in a report")

    one()


def test_names_cannot_steer_the_terminal(tmp_path: Path, root: Path, faults: Any) -> None:
    words = [f"{ATTACKS[i % len(ATTACKS)]} \x1b]0;owned\x07\x1b[2J\x9b31m {i}" for i in range(WIDTH)]
    np.savez(tmp_path / "words.npz", words=np.array(words), vectors=np.eye(WIDTH, dtype=np.float32))
    names = (b"a\x1b[2J\r.npy", b"b\xff\xfe.npy")
    for name, x in zip(names, (vectors(60, 2 / 3, seed=1), vectors(80, 1 / 20, seed=2)), strict=True):
        with open(os.path.join(os.fsencode(tmp_path), name), "wb") as f:
            np.save(f, x)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(root), os.environ["PYTHONPATH"])), "PYTHONIOENCODING": "utf8:strict"}
    sae().save(tmp_path / "sae")
    start = [sys.executable, "-m", "latentdiff.cli", "compare", "--sae", str(tmp_path / "sae")]
    sides = [os.path.join(os.fsencode(tmp_path), name) for name in names]
    for more in ([], ["--json"], ["--report", str(tmp_path / "r.html")], ["--sae", "no\x1b[2Jwhere"]):
        command = [*start, *sides, "--vocabulary", str(tmp_path / "words.npz"), *more]
        done = subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL, env=environment, check=False)
        assert done.returncode == (2 if more[:1] == ["--sae"] else 0), done.stderr[-500:]
        said = (done.stdout + done.stderr).decode("utf8")  # which it is: no lone bytes of a file's name
        assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", re.sub("\x1b\\[[0-9;]*m", "", said) if not more else said)
        faults.survived("escape sequence in a name on the command line")


@pytest.fixture(scope="module")
def make() -> Iterator[Callable[..., Any]]:
    """``make(labels)``: a dataset of 100 images of two kinds, with saved views "summer" and "winter"."""
    import fiftyone as fo

    made = []

    def build(labels: tuple[str, str] = ("one", "two"), other: str = "one") -> Any:
        dataset = fo.Dataset()
        made.append(dataset.name)
        sides = (labels[0], vectors(45, 2 / 3, seed=1)), (labels[1], vectors(55, 1 / 20, seed=2))
        samples = [
            fo.Sample(filepath=f"/nowhere/{i}-{k}.jpg", kind=kind, other=other, tags=["ab"[i]], clip=x.tolist(),
                      things=fo.Detections(detections=[fo.Detection(label=kind, bounding_box=[0, 0, 1, 1], clip=x.tolist())]))
            for i, (kind, rows) in enumerate(sides) for k, x in enumerate(rows)
        ]  # fmt: skip
        dataset.add_samples(samples, progress=False)
        dataset.save_view("summer", dataset.match_tags("a"))
        dataset.save_view("winter", dataset.match_tags("b"))
        return dataset

    yield build
    for name in made:
        fo.delete_dataset(name)


@functools.cache
def sae() -> latentdiff.SparseAutoencoder:
    eye, zeros = np.eye(WIDTH, dtype=np.float32), np.zeros(WIDTH, np.float32)
    return latentdiff.SparseAutoencoder(eye, zeros, eye, zeros, np.full(WIDTH, 0.5, np.float32))


def test_a_class_called_like_a_field_is_a_value(make: Callable[..., Any], faults: Any) -> None:
    """"$other" is the path of a field for MongoDB, and every sample's ``other`` says "$kind": unless quoted, all would match or none."""
    from fiftyone_plugin.recipes import class_patches, compare_generators

    options: dict[str, Any] = {"prompt": None, "embeddings": "clip", "vocabulary": None, "sae": sae(), "run": "r"}
    expected = compare_generators(make(("one", "two")), "kind", "one", "two", **options)
    for labels in (("$other", "$kind"), ("$where", "$things.detections.label"), ("$$ROOT", "a.$b")):
        dataset = make(labels, other=labels[1])
        run = compare_generators(dataset, "kind", *labels, **options)
        assert run.counts["A"]["compared"] == 45 and run.counts["B"]["compared"] == 55
        assert [h.text for h in run.hypotheses] == [h.text for h in expected.hypotheses] != []
        for label, count in zip(labels, (45, 55), strict=True):
            assert len(class_patches(dataset.view(), "things", label)) == count
        faults.survived("MongoDB operator as a class", 2)


def test_any_name_is_used_as_a_value_or_refused(make: Callable[..., Any], cases: int, faults: Any) -> None:
    """As run, view, vector field, tag and new name, through the SDK and as the panel hands them on; nothing else changes meanwhile."""
    import fiftyone_plugin
    from fiftyone_plugin import hypotheses

    dataset = make()
    run = fiftyone_plugin.compare_views(dataset, "summer", "winter", embeddings="clip", vocabulary=None, sae=sae(), run="kept")
    before = state(dataset)

    def tries(name: str) -> Iterator[Callable[[], Any]]:
        options: dict[str, Any] = {"vocabulary": None, "sae": sae()}
        yield lambda: fiftyone_plugin.compare_views(dataset, name, "winter", embeddings="clip", run="other", **options)
        yield lambda: fiftyone_plugin.compare_views(dataset, "summer", "winter", embeddings=name, run="other", **options)
        yield lambda: fiftyone_plugin.compare_views(dataset, "summer", dataset.match_tags(name), embeddings="clip", run="other", **options)
        yield lambda: fiftyone_plugin.load_comparison(dataset, name)
        yield lambda: fiftyone_plugin.delete_comparison(dataset, name)
        yield lambda: hypotheses.open_comparison(dataset, name)
        yield lambda: fiftyone_plugin.load_comparison(name, "kept")
        if not name.isidentifier():  # else it is a fine name
            yield lambda: fiftyone_plugin.rename_comparison(dataset, "kept", name)
            yield lambda: fiftyone_plugin.compare_views(dataset, "summer", "winter", embeddings="clip", run=name, **options)

    @settings(max_examples=cases, **quietly)
    @given(anything)
    def one(name: str) -> None:
        if name in ("kept", "summer", "winter", "clip", "things.detections.clip", dataset.name, "b"):
            return
        for attempt in tries(name):
            with pytest.raises(LatentDiffError):
                attempt()
        faults.survived("hostile name")

    one()
    dataset.reload()
    assert state(dataset) == before
    assert [h.text for h in fiftyone_plugin.load_comparison(dataset, "kept").hypotheses] == [h.text for h in run.hypotheses]


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from (s for v in value.values() for s in _strings(v))
    elif isinstance(value, (list, tuple)):
        yield from (s for v in value for s in _strings(v))
    elif isinstance(value, str):
        yield value


def test_the_panel_shows_names_and_phrases_as_text(make: Callable[..., Any], faults: Any) -> None:
    from fiftyone_plugin.panels.app.figures import histogram, volcano

    import fiftyone_plugin
    from tests.plugin.calls import panel, shown

    words = [*ATTACKS[:WIDTH]]
    words[DOG] = ATTACKS[0]
    for start in range(0, len(ATTACKS) - WIDTH + 1, WIDTH):
        words = [" ".join(w.split()) or "x" for w in ATTACKS[start : start + WIDTH]]
        dataset = make()
        view = ATTACKS[(start + 1) % len(ATTACKS)].split("\n")[0] + " & <b>bold</b>"
        dataset.save_view(view, dataset.match_tags("a"))
        vocabulary = latentdiff.Vocabulary(words, np.eye(WIDTH, dtype=np.float32))
        run = fiftyone_plugin.compare_views(dataset, view, "winter", embeddings="clip", vocabulary=vocabulary, sae=sae(), run="hostile")
        assert run.hypotheses
        requests = panel(dataset, "on_load")
        assert shown(requests)["shown"]["board"]["name"] == "hostile"
        for markdown in _markdown(dataset, shown(requests)):
            assert not markup_of(markdown), markdown
            assert not bare_addresses(markdown), markdown
        for trace in (*histogram(run), *volcano(run)):
            for text in _strings([trace["name"], trace["hovertext"]]):
                assert not re.search(r"<(?!/?b>|br>)", text.replace("<b>", "").replace("</b>", "").replace("<br>", "")), text
            assert "<b>bold" not in trace["name"]
        faults.survived("hostile text in the panel", len(words))


def _markdown(dataset: Any, panel_state: dict[str, Any]) -> list[str]:
    """Every Markdown text that the panel draws."""
    import fiftyone.operators as foo

    from tests.plugin.calls import URI

    call = {"__method__": "on_change_tab", "panel_id": "p1", "panel_state": panel_state, "value": "differences"}
    context = {"dataset": dataset, "params": call, "panel_id": "p1", "panel_state": panel_state}
    requests = foo.execute_operator(f"{URI}/latentdiff_panel", context).executor.to_json()["requests"]
    found: list[str] = []

    def walk(value: Any) -> None:
        if isinstance(value, dict):
            view = value.get("view")
            if isinstance(view, dict) and view.get("name") == "MarkdownView":
                found.extend(s for s in (value.get("default"), view.get("label"), view.get("description")) if isinstance(s, str))
            for inner in value.values():
                walk(inner)
        elif isinstance(value, list):
            for inner in value:
                walk(inner)

    walk(requests)
    assert len(found) >= 5, "no Markdown was found: has the panel's way of drawing changed?"
    return found
