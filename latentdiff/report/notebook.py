"""A comparison in a notebook: the report's cards, in a box of their own that changes nothing around it."""

from __future__ import annotations

from ..results.comparison import Comparison
from ..results.display import show_html_by
from .content import content
from .finding import SIDES
from .html import cards_html, more_html, shifts_html, side_html, verdict_html
from .style import CARDS, DARK, LIGHT
from .text import apart

SHOWN = 3
"""Cards per side: what one sees without scrolling; a report has all."""
STYLE = """
.ld-notebook { padding: 14px 16px; border-radius: 10px; background: var(--ld-page); color: var(--ld-text); color-scheme: light;
  font: 14px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif; text-align: left; }
.ld-notebook .ld-columns { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(320px, 100%), 1fr)); gap: 18px;
  margin-top: 18px; }
.ld-notebook .ld-box { margin-bottom: 12px; padding: 14px 16px; border: 1px solid var(--ld-line); border-radius: 10px;
  background: var(--ld-card); }
.ld-notebook svg.ld-bar { height: 12px; } .ld-notebook dl.ld-facts { display: flex; margin: 8px 0 0; }
.ld-notebook .ld-facts div { float: none; width: auto; } .ld-notebook .ld-facts :is(dt, dd) { float: none; width: auto;
  margin: 0; padding: 0; }
.ld-notebook dt { font-weight: 400; } .ld-notebook h2.ld-side { margin: 0 0 10px; font-size: 1.12rem; font-weight: 650; }
.ld-notebook .ld-card h3 { margin: 0; font-size: 1.06rem; }
"""
THEMES = ('[data-jp-theme-light="false"] .ld-notebook', ".vscode-dark .ld-notebook", 'html[theme="dark"] .ld-notebook')
"""How JupyterLab, VS Code and Colab say that they are dark: a notebook follows its editor, not the system."""


def notebook_html(comparison: Comparison) -> str:
    """The verdict and the first cards of both sides, as HTML that needs nothing else: no script, no network, every text escaped."""
    said = content(apart(comparison), cards=SHOWN)
    columns = []
    for side in SIDES:
        columns.append(f"<section>{side_html(said, side)}{cards_html(said, side, 'ld-box')}{more_html(said, side)}</section>")
    css = f".ld-notebook {{{LIGHT}}} {', '.join(THEMES)} {{{DARK} color-scheme: dark;}} {CARDS} {STYLE}"
    body = f'{verdict_html(said)}<div class="ld-columns">{"".join(columns)}</div>{shifts_html(said)}'
    return f'<div class="ld-notebook"><style>{css}</style>{body}</div>'


show_html_by(notebook_html)
