"""A comparison → one HTML file that needs nothing else: no script, no network, every text escaped."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from typing import Any

from ..compute.files import strict
from .content import THUMBNAILS, Content
from .finding import SIDES, Card, Fact
from .meanings import MEANING
from .plots import histogram_svg, volcano_svg
from .reading import reading
from .shifts import shifts_counted
from .style import page_css
from .text import escape, images, percent
from .thumbnails import Images, inline, source

GENERATOR = '<meta name="generator" content="LatentDiff">'
"""Tells a report of ours from other pages."""


def document(content: Content, images: Mapping[str, Images | None]) -> str:
    """The whole report.

    Args:
        content: what it says.
        images: by side, where the image of a row is (a path or a PIL image); rows without one show no thumbnail.

    Returns:
        HTML. Its content security policy forbids scripts and all loading; the style sheet is allowed by its digest.
    """
    columns = "".join(column_html(content, side, images.get(side)) for side in SIDES)
    return page(
        content.title,
        f'{verdict_html(content)}\n<div class="columns">{columns}</div>\n{shifts_html(content)}{fields_html(content)}{_plots(content)}\n'
        f"{_telling(content, images)}\n{_reading(content)}\n{_settings(content)}\n<footer>{escape(_made_by(content))}</footer>",
    )


def page(title: str, body: str, further_css: str = "") -> str:
    """A whole page round a body of HTML; its content security policy allows its own style sheet, by its digest, and no loading."""
    css = page_css() + further_css
    digest = base64.b64encode(hashlib.sha256(css.encode("utf8")).digest()).decode("ascii")
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'"
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'{GENERATOR}<meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta name="referrer" content="no-referrer"><title>{escape(title)}</title><style>{css}</style></head><body><main>\n'
        f"<h1>{escape(title)}</h1>\n{body}</main></body></html>\n"
    )


def verdict_html(content: Content) -> str:
    """The verdict, and what was left out."""
    notes = f'<p class="ld-notes">{escape("; ".join(content.notes))}.</p>' if content.notes else ""
    kind = "differs" if content.comparison.differs else ""
    told = escape("\n".join(f"{name}: {MEANING[name]}" for name in ("AUC", "p")))
    return f'<p class="ld-verdict {kind}" role="status" title="{told}">{escape(content.verdict)}</p>{notes}'


def side_html(content: Content, side: str) -> str:
    """The heading of one column."""
    count = f"<small>{images(content.counts[side])}</small>"
    return f'<h2 class="ld-side {side.lower()}">More in {escape(content.names[side])} {count}</h2>'


def shifts_html(content: Content) -> str:
    """Slight shifts, folded: they are no findings; nothing where there are none."""
    if not content.shifts:
        return ""
    told = escape("; ".join(content.shifts))
    return f'<details class="ld-shifts"><summary>{shifts_counted(content.comparison)}</summary><p class="ld-notes">{told}.</p></details>'


def card_html(card: Card, names: Mapping[str, str], strip: str = "") -> str:
    """One difference: phrase, pair of rate bars, facts with explanations.

    Args:
        card: the difference.
        names: what people call "A" and "B".
        strip: HTML of its thumbnails, put between the bars and the facts.
    """
    lines = [(f"or {', '.join(card.also)}", "Other words that fit it")] if card.also else []
    lines += [(f"also: {card.tells}", MEANING["also"])] if card.tells else []
    lines += [("; ".join(card.said), "What people said of it")] if card.said else []
    lines += [(card.leans, MEANING["AUROC"])] if card.leans else []
    also = "".join(f'<p class="ld-also" title="{escape(why)}">{escape(line)}</p>' for line, why in lines)
    more = f"<details><summary>About the concept</summary>{_facts(card.concept)}</details>" if card.concept else ""
    return f'<article class="ld-card">{_title(card)}{also}{_bars(card, names)}{strip}{_facts(card.facts)}{more}</article>'


def lead_html(card: Card, standing: str, names: Mapping[str, str], strip: str = "") -> str:
    """What comes near a finding and did not pass: a grey card, with how far it is from one."""
    told = f'<p class="ld-also">Lead, not proven: {escape(standing)}</p>'
    return f'<article class="ld-card ld-lead">{_title(card)}{told}{_bars(card, names)}{strip}</article>'


def _title(card: Card) -> str:
    return f"<h3>{'<i>looks like</i> ' if card.guess else ''}{escape(card.phrase)}</h3>"


def _bars(card: Card, names: Mapping[str, str]) -> str:
    h = card.hypothesis
    own = (h.side, "B" if h.side == "A" else "A")
    bars = "".join(_bar(s, card, names[s], h.rate_a if s == "A" else h.rate_b) for s in own)
    return f'<div class="ld-rates">{bars}</div>'


def _facts(facts: tuple[Fact, ...]) -> str:
    rows = "".join(f'<div><dt title="{escape(why)}">{escape(name)}</dt><dd>{escape(value)}</dd></div>' for name, value, why in facts)
    return f'<dl class="ld-facts">{rows}</dl>'


def _bar(side: str, card: Card, name: str, rate: float) -> str:
    told = escape(f"{images(card.images[side])} of {name}")
    width = 100 * rate if rate == rate else 0.0
    drawn = f'<svg class="ld-bar" aria-hidden="true"><rect class="{side.lower()}" width="{width:.2f}%" height="100%"/></svg>'
    who = f'<span class="who" title="{escape(name)}">{escape(name)}</span>'
    return f'{who}<span title="{told}">{drawn}</span><span class="value" title="{told}">{escape(card.rates[side])}</span>'


def strip_html(uris: list[str], text: str) -> str:
    """A row of thumbnails."""
    cells = "".join(f'<img src="{uri}" alt="{escape(text)}, example {i + 1}">' for i, uri in enumerate(uris))
    return f'<div class="ld-strip">{cells}</div>' if uris else ""


def column_html(content: Content, side: str, at: Images | None) -> str:
    """What is more in one side: its heading and cards, with thumbnails where images are at hand."""
    cards, below = cards_html(content, side, "box", at), more_html(content, side) + tree_html(content, side)
    return f'<section class="side">{side_html(content, side)}<div class="cards">{cards}</div>{below}</section>'


def cards_html(content: Content, side: str, box: str, at: Images | None = None) -> str:
    """The cards of a side, each in a box of that class; of one without any: why, and grey cards of what comes nearest to one."""
    names = content.names
    cards = [card_html(one, names, _shown_by(one, at)) for one in content.cards[side]]
    none = "" if cards else f'<p class="ld-none">{escape(content.without_cards(side))}</p>'
    cards += [lead_html(one, standing, names, _shown_by(one, at)) for one, standing in content.leads[side]]
    return none + "".join(f'<div class="{box}">{card}</div>' for card in cards)


def more_html(content: Content, side: str) -> str:
    """How many more differences there are."""
    return f'<p class="ld-none">and {content.more[side]} more</p>' if content.more[side] else ""


def _shown_by(card: Card, at: Images | None) -> str:
    """A card's thumbnails, where images are at hand."""
    uris = [uri for row in card.hypothesis.exemplars if (uri := inline(source(at, row)))] if at is not None else []
    return strip_html(uris[:THUMBNAILS], card.phrase)


def fields_html(content: Content) -> str:
    """The fields that differ, as a table; nothing where none does."""
    if not content.fields:
        return ""
    names = content.names
    head = "".join(f"<th>{escape(cell)}</th>" for cell in ("field", "more in", f"in {names['A']}", f"in {names['B']}", "q", "AUROC"))
    rows = ""
    for row in content.fields:
        cells = (row.title, names[row.difference.side], row.values["A"], row.values["B"], row.q, row.auroc)
        rows += "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>"
    return f'<h2>Fields that differ</h2><div class="box"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>\n'


def tree_html(content: Content, side: str) -> str:
    """A side's differences from coarse to fine, to unfold; nothing where concepts have no groups."""
    parts, depth = [], -1
    for branch in content.trees[side]:
        parts.append("<ul>" if branch.depth > depth else "</li>" + "</ul></li>" * (depth - branch.depth))
        depth, h = branch.depth, branch.hypothesis
        rates = f": {percent(h.rate_a)} of {content.names['A']}, {percent(h.rate_b)} of {content.names['B']}" if h else ""
        parts.append(f"<li>{escape(branch.label + rates)}")
    if not parts:
        return ""
    return f"<details><summary>From coarse to fine</summary>{''.join(parts)}</li>{'</ul></li>' * depth}</ul></details>"


def _plots(content: Content) -> str:
    names = content.names
    legend = "".join(f'<span class="legend {s.lower()}">{escape(names[s])}</span>' for s in SIDES)
    histogram = (
        f'<figure class="box">{histogram_svg(content.comparison, names)}<figcaption>{legend}<br>'
        "How typical each image is of one side rather than the other. Where the two shapes part, the sides differ.</figcaption></figure>"
    )
    volcano = (
        f'<figure class="box">{volcano_svg(content.comparison, names)}<figcaption>Every concept that was tested. Further out: a larger '
        "difference. Higher up: a surer one. Above the dashed line it counts as found. Point at a dot for its name.</figcaption></figure>"
    )
    return f'<h2>All images, all concepts</h2><div class="plots">{histogram}{volcano}</div>'


def _telling(content: Content, at: Mapping[str, Images | None]) -> str:
    """The images by which each side is told most surely, where they are at hand."""
    columns = []
    for side in SIDES:
        uris = [uri for row in content.typical[side] if (uri := inline(source(at.get(side), row)))]
        if uris:
            name = content.names[side]
            columns.append(
                f'<section class="side"><div class="box"><h3>{escape(name)}</h3>{strip_html(uris, f"typical of {name}")}</div></section>'
            )
    return f'<h2>The most typical images</h2><div class="columns">{"".join(columns)}</div>' if columns else ""


def _reading(content: Content) -> str:
    rows = "".join(f"<dt>{escape(term)}</dt><dd>{escape(meaning)}</dd>" for term, meaning in reading(content, drawn=True))
    return f'<h2>How to read this</h2><div class="box"><dl class="read">{rows}</dl></div>'


def _settings(content: Content) -> str:
    said = {
        **content.comparison.config.to_dict(),
        **{k: v for k, v in content.comparison.info.items() if k not in ("cards", "exemplars", "dropped_rows")},
    }
    rows = "".join(f"<tr><td>{escape(str(k))}</td><td>{escape(_shown(v))}</td></tr>" for k, v in said.items())
    return (
        f'<h2>How it was made</h2><div class="box"><details><summary>Settings and versions</summary><table>{rows}</table></details></div>'
    )


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(strict(value), ensure_ascii=False, default=str)


def _made_by(content: Content) -> str:
    versions = content.comparison.info.get("versions") or {}
    said = ", ".join(f"{name} {version}" for name, version in versions.items())
    return f"Made by LatentDiff ({said})." if said else "Made by LatentDiff."
