"""A finished comparison → what the Gradio page shows: cards, galleries, plots, files to download."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from latentdiff.compute.names import Named
from latentdiff.errors import InputError
from latentdiff.progress import Progress
from latentdiff.report import write_report
from latentdiff.report.content import THUMBNAILS, Content, content
from latentdiff.report.finding import SIDES
from latentdiff.report.html import card_html, fields_html, lead_html, shifts_html, side_html, tree_html, verdict_html
from latentdiff.report.plots import histogram_svg, volcano_svg
from latentdiff.report.reading import reading as read_terms
from latentdiff.report.style import CARDS as CARD_CSS
from latentdiff.report.style import DARK, LIGHT
from latentdiff.report.text import apart, escape, isolated
from latentdiff.report.thumbnails import source, whole

from .work import Answer

CARDS = 6
"""Cards per side on the page; the report has more."""
SLOTS = CARDS + 1
"""Cards, and the most typical images."""
PICTURE = 640
"""Longer side of a gallery's images, in pixels: copies, so that no file of the user's is ever served."""
UNNAMED = (
    "Differences have numbers for names: the encoder of the vectors in “{field}” is not recorded, so no words can be used. "
    "In the App, “LatentDiff: say which encoder made vectors” records it; compare again then."
)
FORMATS = ("html", "md", "csv", "json")


@dataclass(frozen=True)
class Shown:
    """A card on the page, of a finding or of a lead, or the most typical images of a side."""

    html: str
    gallery: list[tuple[str, str]]
    """(picture's file, caption)."""


@dataclass(frozen=True)
class Result:
    """All that the page shows of one comparison."""

    verdict: str
    heads: dict[str, str]
    cards: dict[str, list[Shown]]
    plots: str
    files: dict[str, str]
    """Format → report file."""


def result(answer: Answer, folder: Path, progress: Progress, roots: tuple[Path, ...] | None = None) -> Result:
    """Prepare what is shown, and write the reports into a folder of the session.

    Args:
        answer: the comparison, with its images.
        folder: the session's.
        progress: ``progress(fraction, label)``.
        roots: folders below which images are named by where they lie in them: a visitor is told no path of the server's. None: by paths.
    """
    called = {side: images if roots is None else _below(images, roots) for side, images in answer.images.items()}
    said = content(apart(answer.comparison), tuple(map(isolated, answer.names)), cards=CARDS)
    cards: dict[str, list[Shown]] = {}
    drawn = {side: _drawn(said, side, answer.images.get(side)) for side in SIDES}
    total = sum(map(len, drawn.values())) + 1
    for side in SIDES:
        cards[side] = []
        for html, rows in drawn[side]:
            progress((sum(map(len, cards.values()))) / total, "preparing the images")
            gallery = _pictures(answer.images.get(side), rows, folder / "pictures", side)
            cards[side].append(Shown(f'<div class="ld">{html}</div>', gallery))
    progress(1 - 1 / total, "writing the report")
    files = {}
    for kind in FORMATS:
        path = folder / f"latentdiff-report.{kind}"
        files[kind] = str(write_report(answer.comparison, path, images=called, names=answer.names))
    unnamed = f'<p class="ld-notes">{escape(UNNAMED.format(field=answer.unnamed))}</p>' if answer.unnamed else ""
    stored = f'<p class="ld-notes">This comparison is {escape(answer.stored)}.</p>' if answer.stored else ""
    heads = {side: f'<div class="ld">{side_html(said, side)}{_rest(said, side)}{tree_html(said, side)}</div>' for side in SIDES}
    return Result(f'<div class="ld">{verdict_html(said)}{unnamed}{stored}</div>', heads, cards, _plots(said), files)


def _drawn(said: Content, side: str, images: Any) -> list[tuple[str, tuple[int, ...]]]:
    """What a side shows, each with the rows of its images; the typical ones stand after findings and before leads."""
    found = [(card_html(one, said.names), one.hypothesis.exemplars) for one in said.cards[side]]
    leads = [(lead_html(one, standing, said.names), one.hypothesis.exemplars[:THUMBNAILS]) for one, standing in said.leads[side]]
    rows = tuple(row for row in said.typical[side] if source(images, row) is not None)
    typical = [(f'<p class="ld-none">Most typical of {escape(said.names[side])}</p>', rows)] if rows else []
    return [*found, *typical, *leads]


def _below(images: Any, roots: tuple[Path, ...]) -> dict[int, Any]:
    """Images by row, their files named as seen from the roots."""
    rows = images.items() if isinstance(images, Mapping) else enumerate(images)
    return {row: Named(str(image), _from(image, roots)) if isinstance(image, (str, Path)) else image for row, image in rows}


def _from(image: Any, roots: tuple[Path, ...]) -> str:
    if hasattr(image, "shown"):
        return str(image.shown)
    path = Path(image)
    for root in roots:
        if path.is_relative_to(root):
            return str(Path(root.name, path.relative_to(root)))
    return path.name


def _rest(said: Content, side: str) -> str:
    if not said.cards[side]:
        return f'<p class="ld-none">{escape(said.without_cards(side))}</p>'
    return f'<p class="ld-none">The best {len(said.cards[side])}; {said.more[side]} more are in the report.</p>' if said.more[side] else ""


def _pictures(images: Any, rows: tuple[int, ...], folder: Path, side: str) -> list[tuple[str, str]]:
    """Copies of a card's exemplars, made once each; those that are gone or cannot be read are left out."""
    folder.mkdir(exist_ok=True)
    made = []
    for row in rows:
        path = folder / f"{side}{row}.jpg"
        image = source(images, row)
        if not path.exists():
            if image is None:
                continue
            try:
                whole(image, PICTURE).save(path, "JPEG", quality=85)
            except InputError:
                continue
        made.append((str(path), ""))
    return made


def _plots(said: Content) -> str:
    names: Mapping[str, str] = said.names
    legend = "".join(f'<span class="ld-legend {s.lower()}">{escape(names[s])}</span>' for s in SIDES)
    one = f"<figure>{histogram_svg(said.comparison, names)}<figcaption>{legend} How typical each image is.</figcaption></figure>"
    other = f"<figure>{volcano_svg(said.comparison, names)}<figcaption>Every concept that was tested; point at a dot.</figcaption></figure>"
    reading = "".join(f"<dt>{escape(term)}</dt><dd>{escape(meaning)}</dd>" for term, meaning in read_terms(said, drawn=True))
    about = f'<details><summary>What the numbers mean</summary><dl class="ld-read">{reading}</dl></details>'
    none = '<p class="ld-none">No field differs.</p>' if said.comparison.tested_fields else ""
    return f'<div class="ld">{shifts_html(said)}{fields_html(said) or none}<div class="ld-plots">{one}{other}</div>{about}</div>'


def progress_html(fraction: float, label: str) -> str:
    """A bar with what is being done."""
    percent = 100 * min(max(fraction, 0.0), 1.0)
    return (
        f'<div class="ld ld-progress" role="progressbar" aria-valuenow="{percent:.0f}" aria-valuemin="0" aria-valuemax="100">'
        f'<svg class="ld-bar" aria-hidden="true"><rect class="b" width="{percent:.1f}%" height="100%"/></svg>'
        f"<span>{percent:.0f}% {escape(label)}</span></div>"
    )


def message_html(text: str, kind: str) -> str:
    """A sentence for people; kind "error" or "info"."""
    return f'<div class="ld"><p class="ld-message {kind}" role="alert">{escape(text)}</p></div>'


CSS = f"""
.ld {{{LIGHT}}} .dark .ld {{{DARK}}} .ld {{ color: var(--ld-text); }} {CARD_CSS}
.ld-plots {{ display: grid; grid-template-columns: repeat(auto-fit, minmax(min(380px, 100%), 1fr)); gap: 20px; }}
.ld table {{ margin-bottom: 18px; }} .ld :is(th, td) {{ padding: 4px 18px 4px 0; border: 0; text-align: left;
  border-bottom: 1px solid var(--ld-line); }}
.ld figure {{ margin: 0; }} .ld-shifts {{ margin-bottom: 14px; }}
.ld figcaption {{ color: var(--ld-soft); font-size: .88rem; }}
.ld-legend {{ display: inline-flex; gap: 6px; align-items: center; margin-right: 14px; }}
.ld-legend::before {{ content: ""; width: 11px; height: 11px; border-radius: 3px; background: var(--ld-b-fill); }}
.ld-legend.a::before {{ background: var(--ld-a-fill); }}
.ld summary {{ cursor: pointer; margin-top: 14px; font-weight: 600; }}
.ld-read {{ display: grid; grid-template-columns: minmax(7rem, max-content) 1fr; gap: 6px 18px; margin: 10px 0 0; }}
.ld-read dt {{ font-weight: 600; }}
.ld-read dd {{ margin: 0; }}
.ld-progress {{ display: grid; gap: 6px; }} .ld-progress span {{ color: var(--ld-soft); font-variant-numeric: tabular-nums; }}
.ld-where {{ margin: 0; color: var(--block-info-text-color); font-size: .88rem; overflow-wrap: anywhere; }}
.ld-message {{ margin: 0; padding: 12px 16px; border-radius: 6px; border-left: 5px solid var(--ld-info-line); background: var(--ld-info);
  overflow-wrap: anywhere; }}
.ld-message p {{ margin: 0 0 6px; }} .ld-message p:last-child {{ margin: 0; }} .ld-message code {{ user-select: all; }}
.ld-message.error {{ border-color: #d64545; background: color-mix(in srgb, #d64545 14%, var(--ld-card)); }}
:root {{ --block-info-text-color: #5d5d68; --body-text-color-subdued: #6b6b76; --input-placeholder-color: #6b6b76;
  --color-accent: #c2410c; --slider-color: #c2410c; --button-primary-background-fill: #c2410c;
  --button-primary-background-fill-hover: #9a3412; --button-cancel-background-fill: #b91c1c;
  --button-cancel-background-fill-hover: #991b1b; }}
.dark {{ --block-info-text-color: #a3a3ae; --body-text-color-subdued: #a3a3ae; --input-placeholder-color: #94949f;
  --color-accent: #fb923c; --slider-color: #fb923c; --button-primary-background-fill: #c2410c;
  --button-primary-background-fill-hover: #9a3412; }}
.gradio-container {{ width: 100% !important; max-width: 1560px !important; margin: 0 auto; }}
.ld-slot {{ gap: 8px !important; padding: 14px 16px !important; border: 1px solid var(--border-color-primary); border-radius: 10px;
  background: var(--block-background-fill); min-width: 0 !important; }}
.gradio-container .row > .form > .block > .container {{ display: flex; flex-direction: column; }}
.gradio-container .row > .form > .block > .container > :last-child {{ margin-top: auto; }}
.gradio-container input[role="combobox"] {{ text-overflow: ellipsis; margin-right: 1.8rem; }}
.ld-slot .grid-wrap, .ld-slot .gallery-container {{ min-height: 0 !important; height: auto !important; }}
.ld-slot .grid-container {{ width: 100%; margin: 0; padding: 0 !important; gap: 6px;
  grid-template-columns: repeat(5, minmax(0, 1fr)) !important; }}
"""
