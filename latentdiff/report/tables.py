"""A comparison as Markdown, CSV and JSON."""

from __future__ import annotations

import csv
import dataclasses
import io
import math
from collections.abc import Mapping
from typing import Any

from .content import READING, SIDES, Content, images
from .text import plain_markdown as plain
from .text import title
from .thumbnails import Images, source

COLUMNS = (
    "side", "name", "rank", "text", "weak", "rate_a", "rate_b", "effect", "interval_low", "interval_high", "p_value", "q_value",
    "auroc", "source", "name_strength", "concept", "images_a", "images_b", "also", "exemplars", "path",
)  # fmt: skip


def markdown(content: Content) -> str:
    """The verdict, a table per side, and how to read it; markup in names and phrases shows as text."""
    names = {side: plain(content.names[side]) for side in SIDES}
    lines = [f"# {plain(content.title)}", "", f"**{plain(content.verdict)}**", ""]
    if content.notes:
        lines += [plain("; ".join(content.notes)) + ".", ""]
    for side in SIDES:
        lines += [f"## More in {names[side]} ({images(content.counts[side])})", ""]
        if not content.cards[side]:
            lines += ["Nothing is found more often here.", ""]
            continue
        lines += [f"| what | in {names['A']} | in {names['B']} | " + " | ".join(("difference", "q", "AUROC", "found as", "name")) + " |"]
        lines += ["|---|---:|---:|---:|---:|---:|---|---|"]
        for card in content.cards[side]:
            facts = {name: value for name, value, _ in card.facts}
            cells = [
                title(card.hypothesis),
                card.rates["A"],
                card.rates["B"],
                *(facts.get(k, "") for k in ("difference", "q", "AUROC", "found as", "name")),
            ]
            lines.append("| " + " | ".join(plain(cell) for cell in cells) + " |")
        lines += [f"\nand {content.more[side]} more" if content.more[side] else "", ""]
        if content.trees[side]:
            lines += ["From coarse to fine:", "", *(f"{'  ' * b.depth}- {plain(b.label)}" for b in content.trees[side]), ""]
    lines += ["## How to read this", "", *(f"- **{plain(term)}**: {plain(meaning)}" for term, meaning in READING), ""]
    return "\n".join(lines)


def csv_text(content: Content, at: Mapping[str, Images | None]) -> str:
    """Every difference that passes, one row each, numbers in full; a text that a spreadsheet would run as a formula is quoted."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    comparison = content.comparison
    for rank, h in enumerate(comparison.hypotheses):
        counts = [len(comparison.rows_showing(h, side)) for side in SIDES]
        exemplars = "; ".join(_name(at.get(h.side), row) for row in h.exemplars)
        values: list[Any] = [
            h.side,
            content.names[h.side],
            rank,
            h.text,
            h.weak,
            h.rate_a,
            h.rate_b,
            h.effect,
            *h.interval,
            h.p_value,
            h.q_value,
        ]
        concept = "" if h.concept is None else h.concept
        values += [h.auroc, h.source, h.name_strength, concept, *counts, "; ".join(h.also), exemplars, " > ".join(h.path)]
        writer.writerow([_cell(v) for v in values])
    return out.getvalue()


def as_dict(content: Content, at: Mapping[str, Images | None]) -> dict[str, Any]:
    """Everything found, as plain values: verdict, every difference that passes, settings."""
    comparison = content.comparison
    found = []
    for h in comparison.hypotheses:
        shown = {side: len(comparison.rows_showing(h, side)) for side in SIDES}
        items = [_name(at.get(h.side), row) for row in h.exemplars] if at.get(h.side) is not None else None
        found.append({**dataclasses.asdict(h), "images": shown, "exemplar_items": items})
    return {
        "title": content.title,
        "differs": bool(comparison.differs),
        "verdict": content.verdict,
        "two_sample": dataclasses.asdict(comparison.two_sample),
        "smallest_detectable": comparison.smallest_detectable,
        "sides": {side: {"name": content.names[side], "images": content.counts[side]} for side in SIDES},
        "notes": list(content.notes),
        "hypotheses": found,
        "config": comparison.config.to_dict(),
        "info": comparison.info,
    }


def _name(at: Images | None, row: int) -> str:
    """An exemplar as its path where it has one, else its row."""
    image = source(at, row)
    return str(image) if isinstance(image, str) or hasattr(image, "__fspath__") else str(row)


def _cell(value: Any) -> Any:
    if isinstance(value, float):
        return "" if math.isnan(value) else repr(float(value))
    if isinstance(value, str):
        text = " ".join(value.split())
        return f"'{text}" if text.startswith(("=", "+", "-", "@", "|", "%")) else text
    return value
