"""A stored comparison → the plain, small dictionaries that the panel draws."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from latentdiff.report import description, further_facts, interval_text, p_text, percent, shifts, title, verdict
from latentdiff.report.tree import as_tree

THUMBNAILS = 5
"""Exemplars on a card: what fits one row at half of a 1280 px window."""
CARDS = 6
"""Cards per side at first, and how many more each time one asks for more: a hundred cards make the browser slow."""


def board(run: Any, cards: int = CARDS) -> dict[str, Any]:
    """All that the panel shows of one run.

    Args:
        run: a ``ComparisonRun``.
        cards: at most so many a side.

    Returns:
        JSON: ``name``, ``verdict``, ``differs``, ``notes`` (what was left out, or sent to a server), and per side ("A", "B")
        its name, count, what is counted, cards, how many more, and their tree as (depth, label, whether it is a card); ``ask``: why it
        cannot be asked about a phrase, or None.
    """
    from fiftyone_plugin.asking import can_ask

    names = {side: run.sides[side].name for side in "AB"}
    sides = {}
    for side in "AB":
        rank = {id(h): i for i, h in enumerate(run.hypotheses)}
        made = [_card(run, rank[id(h)], h) for h in run.top(side, cards)]
        add_thumbnails(run, side, made)
        count, found = run.counts[side]["compared"], sum(h.side == side for h in run.hypotheses)
        tree = [[b.depth, b.label, b.hypothesis is not None] for b in as_tree(run.comparison, run.top(side, cards))]
        things = "patches" if run.sides[side].labels else "images"
        sides[side] = {"name": names[side], "count": count, "things": things, "cards": made, "more": found - len(made), "tree": tree}
    return {
        "name": run.name,
        "verdict": verdict(run.comparison, names["A"], names["B"]),
        "differs": bool(run.differs),
        "notes": _notes(run, names),
        "sides": sides,
        "ask": can_ask(run),
    }


def _card(run: Any, rank: int, hypothesis: Any) -> dict[str, Any]:
    shown = {side: len(run.comparison.rows_showing(hypothesis, side)) for side in "AB"}
    named = hypothesis.name_strength == hypothesis.name_strength  # NaN without a vocabulary
    return {
        "rank": rank,
        "side": hypothesis.side,
        "text": hypothesis.text,
        "weak": bool(hypothesis.weak),
        "path": list(hypothesis.path),
        "also": list(dict.fromkeys((*hypothesis.also, *hypothesis.words)))[:3],
        "rates": {"A": percent(hypothesis.rate_a), "B": percent(hypothesis.rate_b)},
        "shares": {"A": float(hypothesis.rate_a), "B": float(hypothesis.rate_b)},
        "images": shown,
        "q": p_text(hypothesis.q_value, "q"),
        "auroc": f"{hypothesis.auroc:.2f}" if hypothesis.auroc == hypothesis.auroc else None,
        "source": hypothesis.source,
        "strength": f"{hypothesis.name_strength:.2f}" if named else None,
        "exemplars": run.exemplars(hypothesis)[:THUMBNAILS],
        "thumbnails": [],
        "copy": as_text(run, hypothesis),
    }


def facts(run: Any, hypothesis: Any) -> list[list[str]]:
    """What a card's detail lists: rows of what it is called, its value, and what it means.

    Args:
        run: a ``ComparisonRun``.
        hypothesis: one of its candidates.
    """
    own, other = hypothesis.side, "B" if hypothesis.side == "A" else "A"
    rate = {"A": hypothesis.rate_a, "B": hypothesis.rate_b}
    rows = [[f"Rate in {run.sides[s].name}", f"{rate[s]:.2%}", "share of the images compared that show it"] for s in (own, other)]
    low, high = hypothesis.interval
    if low == low and high == high:
        rows.append(["Difference", f"{hypothesis.effect:+.1%}", f"95 % interval {low:+.1%} to {high:+.1%}"])
    else:
        said = interval_text(hypothesis) or "rate on its own side minus rate on the other"
        rows.append(["Difference", f"{hypothesis.effect:+.1%}", said])
    rows += [list(fact) for fact in further_facts(hypothesis, {s: run.sides[s].name for s in "AB"})]
    rows.append(["p", p_text(hypothesis.p_value).removeprefix("p ").removeprefix("= "), "chance of this much if nothing differed"])
    rows.append(["q", p_text(hypothesis.q_value, "q").removeprefix("q ").removeprefix("= "), "the same, with all that was tested in mind"])
    if hypothesis.auroc == hypothesis.auroc:
        rows.append(["AUROC", f"{hypothesis.auroc:.3f}", "how well it alone tells the images apart: 0.5 not at all, 1 perfectly"])
    if hypothesis.name_strength == hypothesis.name_strength:
        rows.append(["Fit of the name", f"{hypothesis.name_strength:.2f}", "similarity of the words to what fires; near 0 is a guess"])
    if hypothesis.name_margin == hypothesis.name_margin:
        rows.append(["Lead of the name", f"{hypothesis.name_margin:.2f}", "how much better it fits than the next word"])
    return rows


def concept(run: Any, hypothesis: Any) -> list[list[str]]:
    """What a card's detail lists of the concept behind it, in rows as :func:`facts`; empty where there is none."""
    from latentdiff.report.concept import concept_facts

    rows = [list(fact) for fact in concept_facts(run.comparison, hypothesis)]
    if hypothesis.concept is not None:
        rows.append(["Number", str(hypothesis.concept), "among the concepts that the sparse autoencoder has learnt"])
    return rows


def as_text(run: Any, hypothesis: Any) -> str:
    """A difference in two lines, to paste into a mail or a notebook."""
    names = {side: run.sides[side].name for side in "AB"}
    rates = f"{percent(hypothesis.rate_a)} of {names['A']}, {percent(hypothesis.rate_b)} of {names['B']}"
    auroc = f", AUROC {hypothesis.auroc:.2f}" if hypothesis.auroc == hypothesis.auroc else ""
    more = f"More in {names[hypothesis.side]}: {title(hypothesis)}"
    return f"{more}\n{rates} ({p_text(hypothesis.q_value, 'q')}{auroc}; comparison {run.name})"


def add_thumbnails(run: Any, side: str, cards: list[dict[str, Any]]) -> None:
    """Addresses of the exemplars' images, read in one query for the whole side; a patch's picture travels in its address."""
    from fiftyone_plugin.reporting import patch_thumbnail

    place = run.sides[side]
    wanted = sorted({i for card in cards for i in card["exemplars"]})
    if place.dataset is None or not wanted:
        return
    view = place.select(wanted)
    if place.labels:
        box = f"{place.labels.split('.')[0]}.bounding_box"
        found = {i: patch_thumbnail(path, tuple(at or ())) for i, path, at in zip(*view.values(["id", "filepath", box]), strict=True)}
    else:
        found = {i: f"/media?filepath={quote(path)}" for i, path in zip(*view.values(["id", "filepath"]), strict=True)}
    for card in cards:
        card["thumbnails"] = [found[i] for i in card["exemplars"] if found.get(i)]


def _notes(run: Any, names: dict[str, str]) -> list[str]:
    counts, notes = run.counts, []
    if counts["overlap"]:
        notes.append(f"{_images(counts['overlap'])} in both views left out")
    for side in "AB":
        if counts[side]["missing"]:
            notes.append(f"{_images(counts[side]['missing'])} of {names[side]} without a vector left out")
        if counts[side]["bad"]:
            notes.append(f"{_images(counts[side]['bad'])} of {names[side]} with a broken vector left out")
    return [*notes, *description(run.comparison), *shifts(run.comparison, (names["A"], names["B"]))]


def _images(count: int) -> str:
    return f"{count:,} image" if count == 1 else f"{count:,} images"
