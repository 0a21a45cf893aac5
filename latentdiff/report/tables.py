"""A comparison as Markdown, CSV and JSON."""

from __future__ import annotations

import csv
import dataclasses
import io
import math
import re
from collections.abc import Mapping
from typing import Any

from ..results.feedback import said_of
from ..results.fields import FieldDifference
from ..results.hypothesis import Hypothesis
from .content import Content
from .fields import beside_text
from .finding import SIDES
from .reading import SHOWN, reading
from .telling import leans_back
from .text import MADE_BY, images, unmarked
from .text import plain_markdown as plain
from .thumbnails import Images, source

FIRST = (
    "side", "name", "rank", "text", "weak", "rate_a", "rate_b", "effect", "interval_low", "interval_high", "p_value", "q_value",
    "auroc", "source", "name_strength", "concept", "images_a", "images_b", "also", "folded", "echoes", "exemplars", "path",
)  # fmt: skip
"""Columns that come first; after them every further field of a hypothesis."""

REMARK = "remark"
"""Column, and key, of what is to be known of a difference whose AUROC is below one half; left out where none is."""


def markdown(content: Content) -> str:
    """The verdict, a table per side, and how to read it; markup in names and phrases shows as text."""
    names = {side: plain(content.names[side]) for side in SIDES}
    lines = [f"# {plain(content.title)}", "", f"**{plain(content.verdict)}**", ""]
    if content.notes:
        lines += [plain("; ".join(content.notes)) + ".", ""]
    for side in SIDES:
        lines += [f"## More in {names[side]} ({images(content.counts[side])})", "", *markdown_side(content, side)]
        if content.trees[side]:
            lines += ["From coarse to fine:", "", *(f"{'  ' * b.depth}- {plain(b.label)}" for b in content.trees[side]), ""]
    lines += [*(f"- {plain(note[:1].upper() + note[1:])}." for note in content.below), ""] if content.below else []
    lines += fields_markdown(content)
    terms = [f"- **{plain(term)}**: {plain(meaning)}" for term, meaning in reading(content, drawn=False)]
    lines += ["## How to read this", "", *terms, ""] if terms else []
    return "\n".join(lines)


def fields_markdown(content: Content) -> list[str]:
    """The fields that differ, as a table; nothing where none does."""
    if not content.fields:
        return []
    names = {side: plain(content.names[side]) for side in SIDES}
    lines = ["## Fields that differ", "", f"| field | more in | in {names['A']} | in {names['B']} | q | AUROC |"]
    lines += ["|---|---|---:|---:|---:|---:|"]
    for row in content.fields:
        cells = (row.title, content.names[row.difference.side], row.values["A"], row.values["B"], row.q, row.auroc)
        lines.append("| " + " | ".join(plain(cell) for cell in cells) + " |")
    return [*lines, ""]


def markdown_side(content: Content, side: str) -> list[str]:
    """Lines of a table of one side's differences."""
    if not content.cards[side]:
        return [plain(content.without_cards(side)), ""]
    names = {s: plain(content.names[s]) for s in SIDES}
    lines = [f"| what | in {names['A']} | in {names['B']} | " + " | ".join(SHOWN) + " |", "|---|---:|---:|---:|---:|---:|---|---|"]
    for card in content.cards[side]:
        facts = {name: value for name, value, _ in card.facts}
        cells = [card.line, card.rates["A"], card.rates["B"], *(facts.get(k, "") for k in SHOWN)]
        lines.append("| " + " | ".join(plain(cell) for cell in cells) + " |")
    return [*lines, f"\nand {content.more[side]} more" if content.more[side] else "", ""]


def csv_text(content: Content, at: Mapping[str, Images | None]) -> str:
    """Every difference that passes, one row each, numbers in full; then the verdict and the settings, whose ``source`` says what they are.

    A text that a spreadsheet would run as a formula is quoted.
    """
    rows = [_row(content, rank, h, at.get(h.side)) for rank, h in enumerate(content.comparison.hypotheses)]
    rows += [_field_row(content, rank, d) for rank, d in enumerate(content.comparison.fields)]
    rows += _setting_rows(content)
    further = [name for f in dataclasses.fields(Hypothesis) for name in _named(f.name, ()) if name not in FIRST]
    further += [name for name in ("field", "value", "kind", "center_a", "center_b") if content.comparison.fields]
    further += ["state", "called", "note", "part_of"] if content.comparison.feedback else []
    further += [REMARK] if any(row.get(REMARK) for row in rows) else []
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([*FIRST, *further])
    writer.writerows([[row.get(name, "") for name in (*FIRST, *further)] for row in rows])
    return out.getvalue()


def _setting_rows(content: Content) -> list[dict[str, Any]]:
    """The verdict with its p and AUC, and every setting, by the same columns."""
    test = content.comparison.two_sample
    verdict = {"text": content.verdict, "source": "verdict", "p_value": test.p_value, "auroc": test.auc}
    settings = [{"text": f"{name}: {value}", "source": "setting"} for name, value in content.comparison.config.to_dict().items()]
    rows: list[dict[str, Any]] = [verdict, *settings]
    return [{name: csv_cell(value) for name, value in row.items()} for row in rows]


def _row(content: Content, rank: int, h: Hypothesis, at: Images | None) -> dict[str, Any]:
    """A difference by columns."""
    values: dict[str, Any] = {"name": content.names[h.side], "rank": rank}
    values |= {f"images_{side.lower()}": len(content.comparison.rows_showing(h, side)) for side in SIDES}
    for field in dataclasses.fields(h):
        values |= _named(field.name, getattr(h, field.name))
    values["exemplars"] = "; ".join(_name(at, row) for row in h.exemplars)
    said = said_of(content.comparison.feedback, h)
    values |= {"state": said.state, "called": said.name, "note": said.note, "part_of": said.merged, REMARK: leans_back(h, content.names)}
    return {name: csv_cell(value) for name, value in values.items()}


def _field_row(content: Content, rank: int, d: FieldDifference) -> dict[str, Any]:
    """A field that differs, by the same columns and its own; its source is "field"."""
    values = {"name": content.names[d.side], "rank": rank, "text": d.name, "source": "field", **dataclasses.asdict(d)}
    return {name: csv_cell("" if value is None else value) for name, value in values.items()}


def _named(name: str, value: Any) -> dict[str, Any]:
    """A field's columns: one, but for an interval."""
    if name == "interval":
        low, high = value or ("", "")
        return {"interval_low": low, "interval_high": high}
    if name == "fields":
        return {name: "; ".join(map(beside_text, value))}
    if isinstance(value, tuple):
        return {name: (" > " if name == "path" else "; ").join(map(str, value))}
    return {name: "" if value is None else value}


def as_dict(content: Content, at: Mapping[str, Images | None]) -> dict[str, Any]:
    """Everything found, as plain values: verdict, every difference that passes, settings."""
    comparison = content.comparison
    found = []
    for h in comparison.hypotheses:
        shown = {side: len(comparison.rows_showing(h, side)) for side in SIDES}
        items = [_name(at.get(h.side), row) for row in h.exemplars] if at.get(h.side) is not None else None
        said = said_of(comparison.feedback, h).told
        further = {name: value for name, value in (("feedback", said), (REMARK, leans_back(h, content.names))) if value}
        found.append({**dataclasses.asdict(h), "images": shown, "exemplar_items": items, **further})
    return {
        "made_by": MADE_BY,
        "title": content.title,
        "differs": bool(comparison.differs),
        "verdict": content.verdict,
        "two_sample": dataclasses.asdict(comparison.two_sample),
        "smallest_detectable": comparison.smallest_detectable,
        "provisional": comparison.provisional,
        "sides": {side: {"name": content.names[side], "images": content.counts[side]} for side in SIDES},
        "notes": [*content.notes, *content.below],
        "hypotheses": found,
        "fields": [dataclasses.asdict(d) for d in comparison.fields],
        "config": comparison.config.to_dict(),
        "info": comparison.info,
    }


def _name(at: Images | None, row: int) -> str:
    """An exemplar as what people know it by, else its path where it has one, else its row."""
    image = source(at, row)
    if hasattr(image, "shown"):  # of an archive, whose files lie elsewhere for a while
        return str(image.shown)
    return str(image) if isinstance(image, str) or hasattr(image, "__fspath__") else str(row)


def csv_cell(value: Any) -> Any:
    """A value as a spreadsheet takes it: a text that it would run as a formula is quoted, and none turns the rest of its cell round."""
    if isinstance(value, float):
        return "" if math.isnan(value) else repr(float(value))
    if isinstance(value, str):
        text = " ".join(unmarked(value).split())
        # Where numbers have commas, spreadsheets take ";" for the end of a cell, in quotes or not: what follows would begin another.
        text = re.sub(r"(;\s*)(?=[=+\-@|%])", r"\1'", text)
        return f"'{text}" if text.startswith(("=", "+", "-", "@", "|", "%")) else text
    return value
