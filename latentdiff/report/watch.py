"""What a watched stream shows: for people, for CI servers, and as a page of its history."""

from __future__ import annotations

from html import escape
from xml.sax.saxutils import quoteattr

import numpy as np

from ..results.reading import Change, Reading
from .html import page
from .text import p_text, percent

JUNIT = '<testsuite name="latentdiff '
"""By which a JUnit file of ours is known."""
WIDTH, HEIGHT, LEFT, LOW = 720, 220, 46, 24


def watch_verdict(reading: Reading, alpha: float) -> str:
    """Whether the stream has changed, in one plain sentence."""
    seen = f"{reading.images:,} images in {reading.batch:,} batches, {p_text(reading.p_value)}"
    if not reading.alarm:
        return f"No change detected ({seen}; alarm at {alpha:g})."
    names = ", ".join(change.text for change in reading.hypotheses[:5])
    return f"The stream has changed ({seen}){f': {names}' if names else ', spread over many things; no concept stands out'}."


def change_text(change: Change) -> str:
    """ "more kite: 1% before, 8% now"."""
    before, now = percent(change.rate_reference), percent(change.rate_recent)
    return f"{'more' if change.more else 'less'} {change.text}: {before} before, {now} now"


def junit(reading: Reading, alpha: float) -> str:
    """A JUnit file of one test case, which fails where there is an alarm."""
    said = watch_verdict(reading, alpha)
    body = "\n".join(map(change_text, reading.hypotheses))
    failure = f"<failure message={quoteattr(said)}>{escape(printable(body))}</failure>" if reading.alarm else ""
    suite = f'{JUNIT}watch" tests="1" failures="{int(reading.alarm)}">'
    case = f'<testcase classname="latentdiff" name="stream">{failure}</testcase>'
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{suite}{case}</testsuite>\n'


def annotation(reading: Reading, alpha: float) -> str:
    """A line that a workflow's log shows as an error, or as a notice."""
    said = " ".join([watch_verdict(reading, alpha), *map(change_text, reading.hypotheses[:5])])
    kind = "error" if reading.alarm else "notice"
    return f"::{kind} title=latentdiff watch::{said.replace('%', '%25').replace(chr(13), ' ').replace(chr(10), ' ')}"


def history_page(reading: Reading, history: np.ndarray, alpha: float) -> str:
    """A page that needs nothing else: the verdict, the evidence over time, and what changed.

    Args:
        reading: the last one.
        history: (t, 3) images seen, logarithm of the e-value, p-value.
        alpha: level of the alarm.
    """
    rows = "".join(
        f"<tr><td>{'more' if c.more else 'less'} {escape(c.text)}</td><td>{percent(c.rate_reference)} before</td>"
        f"<td>{percent(c.rate_recent)} now</td><td>e = exp({c.log_e:.1f})</td></tr>"
        for c in reading.hypotheses
    )
    table = f"<h2>What changed</h2><table>{rows}</table>" if rows else ""
    told = "The evidence is worth at most 1 on average while nothing changes; at the line it is 1 / alpha, and an alarm."
    verdict = f'<p class="ld-verdict {"differs" if reading.alarm else ""}" role="status">{escape(watch_verdict(reading, alpha))}</p>'
    figure = f"<figure>{_curve(history, alpha)}<figcaption>{told}</figcaption></figure>"
    return page("A watched stream", f"{verdict}<h2>Evidence over time</h2>{figure}{table}")


def _curve(history: np.ndarray, alpha: float) -> str:
    """Decimal logarithm of the e-value over the images seen."""
    if not len(history):
        return ""
    seen, log_e, line = history[:, 0], history[:, 1] / np.log(10), -np.log10(alpha)
    low, high = min(float(log_e.min()), -1.0), max(float(log_e.max()), line + 0.5)
    x = LEFT + (WIDTH - LEFT) * (seen - seen[0]) / max(seen[-1] - seen[0], 1)
    y, at = (HEIGHT - LOW) * (high - log_e) / (high - low), (HEIGHT - LOW) * (high - line) / (high - low)
    points = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True))
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="evidence over time" font-size="12" fill="currentColor">'
        f'<polyline points="{points}" fill="none" stroke="currentColor" stroke-width="1.5"/>'
        f'<line x1="{LEFT}" x2="{WIDTH}" y1="{at:.1f}" y2="{at:.1f}" stroke="currentColor" stroke-dasharray="5 4"/>'
        f'<text x="0" y="{at + 4:.1f}">alarm</text><text x="{LEFT}" y="{HEIGHT - 6}">{seen[0]:,.0f} images</text>'
        f'<text x="{WIDTH}" y="{HEIGHT - 6}" text-anchor="end">{seen[-1]:,.0f}</text></svg>'
    )


def printable(text: str) -> str:
    """Without the control characters that XML cannot hold."""
    return "".join(c for c in text if c >= " " or c in "\n\t")
