"""What changes over time: in words, and as HTML, Markdown, CSV and JSON."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from typing import Any

from ..compute.files import strict_json
from ..embed.opening import said_unread
from ..embed.ranges import said_ranges
from ..results.trends import Trend, Trends
from .groups import LEFT_OUT
from .html import page
from .tables import csv_cell
from .text import MADE_BY, apart, escape, images, p_text, percent
from .text import plain_markdown as plain
from .thumbnails import inline

FIRST_OF_TRENDS = "text,source,q_value,changes_from,earliest"
"""What the CSV begins with."""
WIDTH, HEIGHT, LEFT, LOW = 640, 130, 46, 20
THUMBNAILS = 5
STYLE = " .ld-strip img { height: 72px; margin-right: 4px; border-radius: 4px; } figure { margin: 0 0 8px; }"


def trends_verdict(found: Trends) -> str:
    """Whether anything changes, in one plain sentence."""
    span = f"{found.bins[0]} to {found.bins[-1]}, {sum(found.images):,} images in {len(found.bins)} bins"
    if not found.differs:
        return f"No change detected ({span})."
    count = len(found.trends)
    return f"{count} thing{' changes' if count == 1 else 's change'} ({span}, {p_text(found.p_value, 'q')})."


def trends_notes(found: Trends) -> tuple[str, ...]:
    """What was left out, and how deep pictures were drawn."""
    out, said = found.info.get("left_out") or {}, {**LEFT_OUT, "unlabelled": "without a date or number"}
    told = [f"{images(out[why])} {what} left out" for why, what in said.items() if out.get(why)]
    told += [said_unread(found.info.get("passed_over") or {}), said_ranges(found.info.get("deep") or {})]
    told += map(str, found.info.get("remarks") or ())
    return tuple(filter(None, told))


def trends_report(found: Trends, suffix: str, images: Any, headline: str | None) -> str:
    """The report of what changes over time.

    Args:
        found: the result.
        suffix: ".html", ".md", ".csv" or ".json".
        images: a path or PIL image per row as given, or a mapping of some rows; None.
        headline: None makes one.
    """
    headline = headline or "What changes over time"
    if suffix in (".html", ".md"):
        found = apart(found)
    if suffix == ".html":
        return _html(found, images, headline)
    if suffix == ".md":
        return _markdown(found, headline)
    return _csv(found) if suffix == ".csv" else strict_json({"made_by": MADE_BY} | found.to_dict()) + "\n"


def _html(found: Trends, images: Any, title: str) -> str:
    kind = "differs" if found.differs else ""
    notes = f'<p class="ld-notes">{escape("; ".join(trends_notes(found)))}.</p>' if trends_notes(found) else ""
    body = [f'<p class="ld-verdict {kind}" role="status">{escape(trends_verdict(found))}</p>{notes}']
    for trend in found.trends:
        body.append(f"<h2>{escape(trend.text)}</h2><p>{escape(found.told(trend))} ({p_text(trend.q_value, 'q')})</p>")
        body.append(f"<figure>{_curve(found, trend)}</figure>{_strip(trend, images)}")
    return page(title, "\n".join(body), STYLE)


def _strip(trend: Trend, images: Any) -> str:
    if images is None:
        return ""
    known = [images[row] for row in trend.exemplars if not isinstance(images, Mapping) or row in images][:THUMBNAILS]
    made = [address for address in map(inline, known) if address]
    shown = "".join(f'<img src="{address}" alt="{escape(trend.text)}, example {i + 1}">' for i, address in enumerate(made))
    return f'<div class="ld-strip">{shown}</div>' if shown else ""


def _curve(found: Trends, trend: Trend) -> str:
    """The rate of each bin with its band, and where it changes."""
    count, top = len(found.bins), max(max(trend.high), 0.01)

    def at(i: float, rate: float) -> str:
        return f"{LEFT + (WIDTH - LEFT) * (i + 0.5) / count:.1f},{(HEIGHT - LOW) * (1 - rate / top):.1f}"

    band = [at(i, rate) for i, rate in enumerate(trend.high)] + [at(i, trend.low[i]) for i in range(count - 1, -1, -1)]
    line = " ".join(at(i, rate) for i, rate in enumerate(trend.rates))
    marks = "".join(_mark(c.bin, c.earliest, c.latest, count) for c in trend.changes)
    ends = ((LEFT, found.bins[0], "start"), (WIDTH, found.bins[-1], "end"))
    names = "".join(f'<text x="{x}" y="{HEIGHT - 4}" text-anchor="{side}">{escape(name)}</text>' for x, name, side in ends)
    label = f"share of images that show {escape(trend.text)}, by time"
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{label}" font-size="12" fill="currentColor">{marks}'
        f'<polygon points="{" ".join(band)}" fill="var(--ld-a-fill)" opacity="0.25"/>'
        f'<polyline points="{line}" fill="none" stroke="currentColor" stroke-width="1.5"/>'
        f'<text x="0" y="12">{percent(top)}</text><text x="0" y="{HEIGHT - LOW}">0%</text>{names}</svg>'
    )


def _mark(place: int, earliest: int, latest: int, count: int) -> str:
    """The beginning of the likeliest bin, and the span of those that may be it."""
    step = (WIDTH - LEFT) / count
    x, low, high = (LEFT + step * i for i in (place, earliest, latest))
    span = f'<rect x="{low:.1f}" y="0" width="{max(high - low, 1):.1f}" height="{HEIGHT - LOW}" opacity="0.12"/>'
    return f'{span}<line x1="{x:.1f}" x2="{x:.1f}" y1="0" y2="{HEIGHT - LOW}" stroke="currentColor" stroke-dasharray="4 3"/>'


def _markdown(found: Trends, title: str) -> str:
    head = [f"<!-- {MADE_BY} -->", f"# {plain(title)}", "", f"**{plain(trends_verdict(found))}**", ""]
    lines = [*head, *(f"{plain(note)}.\n" for note in trends_notes(found))]
    lines += [f"- {plain(found.told(trend))} ({p_text(trend.q_value, 'q')})" for trend in found.trends]
    lines += ["", "| | " + " | ".join(map(plain, found.bins)) + " |", "|---|" + "---:|" * len(found.bins)]
    lines += ["| " + " | ".join([plain(trend.text), *map(percent, trend.rates)]) + " |" for trend in found.trends]
    return "\n".join(lines) + "\n"


def _csv(found: Trends) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([*FIRST_OF_TRENDS.split(","), "latest", "before", "after", "first_seen", *found.bins])
    for trend in found.trends:
        for c in trend.changes:
            places = [found.bins[i] for i in (c.bin, c.earliest, c.latest)]
            seen = found.bins[trend.first_seen] if trend.first_seen is not None else ""
            values = [trend.text, trend.source, trend.q_value, *places, c.before, c.after, seen, *trend.rates]
            writer.writerow([csv_cell(value) for value in values])
    return out.getvalue()
