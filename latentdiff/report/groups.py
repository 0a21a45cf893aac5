"""A comparison of many groups in words, and as HTML, Markdown, CSV and JSON."""

from __future__ import annotations

import csv
import dataclasses
import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..compute.files import strict_json
from ..embed.opening import said_unread
from ..embed.ranges import said_ranges
from ..results.groups import GroupComparison
from .content import Content, content
from .group_figures import HALF, row_names, tree_svg
from .html import column_html, page
from .tables import csv_cell, markdown_side
from .text import MADE_BY, apart, escape, headline, images, p_text, percent
from .text import plain_markdown as plain
from .thumbnails import Images

FIRST_OF_GROUPS = "group,more_or_less,title"
"""What the CSV begins with."""
COLUMNS = ("text", "rate_a", "rate_b", "effect", "p_value", "q_value", "auroc", "source", "concept")
SHADES = 10
SHADE_CSS = (
    " table.ld-heat td, table.ld-heat th { text-align: right; padding: 4px 8px; width: auto; font-weight: 400; }"
    " table.ld-heat th:first-child { text-align: left; } .ld-scroll { overflow-x: auto; }"
    + "".join(f" td.h{i} {{ background: color-mix(in srgb, var(--ld-a-fill) {6 * i}%, transparent); }}" for i in range(SHADES + 1))
)
LEFT_OUT = {
    "unlabelled": "in no group",
    "shared": "in several groups",
    "repeated": "listed again",
    "missing": "without a vector",
    "bad": "with a bad vector",
}
"""What is said of images that are left out, by reason."""


def group_verdict(found: GroupComparison) -> str:
    """Which groups differ from the rest, in one plain sentence.

    Args:
        found: the comparison of many groups.
    """
    count, evidence = len(found.names), p_text(found.p_value)
    if not found.differs:
        least = max(c.smallest_detectable for c in found.comparisons)
        seen = f" Something in {percent(max(least, 0.01))} more images of one group than of the others would have been seen."
        return f"No detectable difference between the {count} groups ({evidence}).{seen}"
    names = found.differing
    told = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
    return f"{len(names)} of {count} groups {'differs' if len(names) == 1 else 'differ'} from the rest: {told} ({evidence})."


def notes(found: GroupComparison) -> tuple[str, ...]:
    """What was left out, and how deep pictures were drawn."""
    out = found.info.get("left_out") or {}
    told = [f"{images(out[why])} {what} left out" for why, what in LEFT_OUT.items() if out.get(why)]
    told += [said_unread(found.info.get("passed_over") or {}), said_ranges(found.info.get("deep") or {})]
    told += map(str, found.info.get("remarks") or ())
    return tuple(filter(None, told))


def group_report(found: GroupComparison, suffix: str, images: Any, headline: str | None, cards: int) -> str:
    """The report of a comparison of many groups.

    Args:
        found: the comparison.
        suffix: ".html", ".md", ".csv" or ".json".
        images: a path or PIL image per row as given, or a mapping of some rows; None.
        headline: None makes one.
        cards: differences shown of each group and side.
    """
    headline = headline or f"How {len(found.names)} groups differ"
    if suffix in (".html", ".md"):
        told = apart(found)
        found = told if len(set(told.names)) == len(told.names) else dataclasses.replace(told, names=found.names)
    if suffix == ".html":
        return _html(found, images, headline, cards)
    if suffix == ".md":
        return _markdown(found, headline, cards)
    if suffix == ".csv":
        return _csv(found)
    return strict_json({"made_by": MADE_BY} | group_dict(found, cards)) + "\n"


def group_dict(found: GroupComparison, top: int) -> dict[str, Any]:
    """What was found as plain JSON values: the verdict, groups with their best hypotheses, distances and rates."""
    each = {}
    for name, c in found.groups.items():
        best = {side: [dataclasses.asdict(h) for h in c.top(side, top)] for side in "AB"}
        test = dataclasses.asdict(c.two_sample)
        each[name] = {"images": len(found.rows(name)), "differs": c.differs, **test, "more": best["A"], "less": best["B"]}
    rates = {text: dict(zip(found.names, row, strict=True)) for text, row in zip(found.rate_texts, found.rates.tolist(), strict=True)}
    told = {"differs": found.differs, "p_value": found.p_value, "verdict": group_verdict(found)}
    return {**told, "groups": each, "distances": found.distances.tolist(), "names": list(found.names), "rates": rates, "info": found.info}


def _contents(found: GroupComparison, cards: int) -> list[tuple[str, Content]]:
    """What is said of the groups that differ, each against the rest, the strongest evidence first."""
    order = sorted(found.differing, key=lambda name: (found.groups[name].two_sample.p_value, -found.groups[name].two_sample.auc))
    return [(name, content(found.groups[name], (name, "the rest"), None, cards)) for name in order]


def _html(found: GroupComparison, images: Any, headline: str, cards: int) -> str:
    kind = "differs" if found.differs else ""
    note = f'<p class="ld-notes">{escape("; ".join(notes(found)))}.</p>' if notes(found) else ""
    body = [f'<p class="ld-verdict {kind}" role="status">{escape(group_verdict(found))}</p>{note}']
    if len(found.rate_texts):
        body.append("<h2>How often each is shown</h2>" + _table(found.names, row_names(found), found.rates, found.rates, percent))
    shade = np.abs(found.distances - HALF) * 2
    told = "AUC with which two groups can be told apart, image by image, out of fold: 0.5 not at all, 1 always."
    body.append(f"<h2>How far apart</h2><p>{told}</p>" + _table(found.names, found.names, found.distances, shade, "{:.2f}".format))
    if len(found.names) > 2:
        told = "Groups that look alike are joined near the left; where two branches meet is the AUC by which they can be told apart."
        body.append(f"<figure>{tree_svg(found)}<figcaption>{told}</figcaption></figure>")
    for name, said in _contents(found, cards):
        at = _of_group(found, name, images)
        columns = "".join(column_html(said, side, at[side]) for side in "AB")
        body.append(f'<h2>{escape(name)}</h2><p>{escape(said.verdict)}</p><div class="columns">{columns}</div>')
    return page(headline, "\n".join(body), SHADE_CSS)


def _of_group(found: GroupComparison, name: str, images: Any) -> dict[str, Images | None]:
    """Images by side of a group's comparison."""
    if images is None:
        return {"A": None, "B": None}
    sides: dict[str, Images | None] = {}
    for side, rows in (("A", found.rows(name)), ("B", found.rest(name))):
        sides[side] = {i: images[r] for i, r in enumerate(rows.tolist()) if not isinstance(images, Mapping) or r in images}
    return sides


def _table(across: Sequence[str], down: Sequence[str], values: np.ndarray, shade: np.ndarray, text: Any) -> str:
    head = "".join(f"<th>{escape(name)}</th>" for name in ("", *across))
    rows = []
    for name, of_row, dark in zip(down, values.tolist(), shade.tolist(), strict=True):
        cells = (f'<td class="h{round(SHADES * min(max(s, 0), 1))}">{escape(text(v))}</td>' for v, s in zip(of_row, dark, strict=True))
        rows.append(f"<tr><th>{escape(name)}</th>{''.join(cells)}</tr>")
    return f'<div class="ld-scroll"><table class="ld-heat"><tr>{head}</tr>{"".join(rows)}</table></div>'


def _markdown(found: GroupComparison, headline: str, cards: int) -> str:
    lines = [f"<!-- {MADE_BY} -->", f"# {plain(headline)}", "", f"**{plain(group_verdict(found))}**", ""]
    lines += [plain("; ".join(notes(found))) + ".", ""] if notes(found) else []
    if found.rate_texts:
        lines += ["## How often each is shown", "", *_lines(found.names, row_names(found), found.rates, percent), ""]
    lines += ["## How far apart (AUC)", "", *_lines(found.names, found.names, found.distances, "{:.2f}".format), ""]
    for name, said in _contents(found, cards):
        lines += [f"## {plain(name)}", "", plain(said.verdict), ""]
        for side in "AB":
            lines += [f"### {'More' if side == 'A' else 'Less'} in {plain(name)}", "", *markdown_side(said, side)]
    return "\n".join(lines)


def _lines(across: Sequence[str], down: Sequence[str], values: np.ndarray, text: Any) -> list[str]:
    """A table in Markdown."""
    lines = ["| | " + " | ".join(map(plain, across)) + " |", "|---|" + "---:|" * len(across)]
    for name, row in zip(down, values.tolist(), strict=True):
        lines.append("| " + " | ".join([plain(name), *(plain(text(v)) for v in row)]) + " |")
    return lines


def _csv(found: GroupComparison) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([*FIRST_OF_GROUPS.split(","), *COLUMNS])
    for name, h in found.hypotheses:
        called = headline(h, found.groups[name].feedback)
        values = (name, "more" if h.side == "A" else "less", called, *(getattr(h, c) for c in COLUMNS))
        writer.writerow([csv_cell(value) for value in values])
    return out.getvalue()
