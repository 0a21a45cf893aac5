"""How cards and reports look: light and dark, narrow and wide, on screen and on paper."""

from __future__ import annotations

LIGHT = """
--ld-page: #f6f6f7; --ld-card: #ffffff; --ld-text: #1d1d22; --ld-soft: #62626c; --ld-line: #dedee3; --ld-track: #ececf0;
--ld-a: #e65c00; --ld-b: #1f74e0; --ld-a-fill: #ff8a3d; --ld-b-fill: #6aa9ff; --ld-good: #e8f5ec; --ld-good-line: #46a667;
  --ld-info: #eaf1fd;
--ld-info-line: #6a97dd;
"""
DARK = """
--ld-page: #17171b; --ld-card: #222228; --ld-text: #ededf1; --ld-soft: #a3a3ae; --ld-line: #373741; --ld-track: #33333c;
--ld-a: #ff9352; --ld-b: #78b2ff; --ld-a-fill: #c65a14; --ld-b-fill: #2f6bbd; --ld-good: #18301f; --ld-good-line: #46a667;
  --ld-info: #1b2940;
--ld-info-line: #6a97dd;
"""
CARDS = """
.ld-verdict { margin: 0; padding: 14px 18px; border-left: 5px solid var(--ld-info-line); border-radius: 6px; background: var(--ld-info);
  color: var(--ld-text); font-size: 1.12rem; font-weight: 600; line-height: 1.4; overflow-wrap: anywhere; }
.ld-verdict.differs { border-color: var(--ld-good-line); background: var(--ld-good); }
.ld-notes { margin: 8px 0 0; color: var(--ld-soft); font-size: .9rem; }
.ld-side { margin: 0 0 10px; padding-bottom: 8px; border-bottom: 3px solid var(--ld-a-fill); color: var(--ld-text); font-size: 1.12rem;
  font-weight: 650;
  overflow-wrap: anywhere; }
.ld-side.b { border-color: var(--ld-b-fill); }
.ld-side small { color: var(--ld-soft); font-weight: 400; font-size: .85rem; }
.ld-none { color: var(--ld-soft); }
.ld-card { color: var(--ld-text); }
.ld-card h3 { margin: 0; font-size: 1.06rem; font-weight: 650; color: var(--ld-text); overflow-wrap: anywhere; }
.ld-card h3 i { font-weight: 400; color: var(--ld-soft); }
.ld-also { margin: 2px 0 0; color: var(--ld-soft); font-size: .86rem; overflow-wrap: anywhere; }
.ld-rates { display: grid; grid-template-columns: minmax(4.5rem, max-content) 1fr 3.4rem; gap: 5px 10px; align-items: center;
  margin: 10px 0; font-size: .9rem; }
.ld-rates .who { max-width: 11rem; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; color: var(--ld-soft); }
.ld-rates .value { text-align: right; font-weight: 600; font-variant-numeric: tabular-nums; }
.ld-bar { display: block; width: 100%; height: 12px; border-radius: 6px; overflow: hidden; background: var(--ld-track); }
.ld-bar .a { fill: var(--ld-a-fill); } .ld-bar .b { fill: var(--ld-b-fill); }
.ld-strip { display: grid; grid-template-columns: repeat(5, minmax(0, 1fr)); gap: 6px; margin: 10px 0; }
.ld-strip img { display: block; width: 100%; aspect-ratio: 1; object-fit: cover; border-radius: 5px; background: var(--ld-track); }
.ld-facts { display: flex; flex-wrap: wrap; gap: 4px 16px; margin: 8px 0 0; font-size: .84rem; color: var(--ld-soft); }
.ld-facts div { display: flex; gap: 5px; } .ld-facts dt { white-space: nowrap;
  text-decoration: underline dotted; text-underline-offset: 3px; cursor: help; }
.ld-facts dd { margin: 0; color: var(--ld-text); font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
.ld .ld-card summary, .ld-card summary { margin-top: 8px; font-size: .84rem; font-weight: 400; color: var(--ld-soft); cursor: pointer; }
.ld-lead :is(h3, .value) { color: var(--ld-soft); } .ld-lead .ld-bar :is(.a, .b) { fill: var(--ld-soft); fill-opacity: .5; }
:is(.box, .ld-box, .ld-slot):has(.ld-lead) { border-style: dashed !important; }
.ld-shifts { margin-top: 14px; color: var(--ld-soft); font-size: .9rem; }
svg.plot { display: block; width: 100%; height: auto; font-family: inherit; }
svg.plot .area { fill-opacity: .45; stroke-width: 1.5; } svg.plot .area.a { fill: var(--ld-a-fill); stroke: var(--ld-a); }
svg.plot .area.b { fill: var(--ld-b-fill); stroke: var(--ld-b); } svg.plot .dot { fill-opacity: .75; }
  svg.plot .dot.a { fill: var(--ld-a); }
svg.plot .dot.b { fill: var(--ld-b); } svg.plot .dot.none { fill: var(--ld-soft); fill-opacity: .35; }
svg.plot text { fill: var(--ld-soft); font-size: 12px; white-space: pre; } svg.plot .label { fill: var(--ld-text); font-weight: 600;
  stroke: var(--ld-card); stroke-width: 3.5px; paint-order: stroke; }
svg.plot line { stroke: var(--ld-line); } svg.plot .middle, svg.plot .gate { stroke: var(--ld-soft); stroke-dasharray: 4 4; }
"""
"""Shared by the report and the Gradio page."""
PAGE = """
* { box-sizing: border-box; }
html { color-scheme: light dark; }
body { margin: 0; padding: 28px clamp(14px, 3vw, 44px) 60px; background: var(--ld-page); color: var(--ld-text);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif; }
main { max-width: 1560px; margin: 0 auto; }
h1 { margin: 0 0 14px; font-size: 1.7rem; line-height: 1.25; overflow-wrap: anywhere; } h2 { margin: 34px 0 12px; font-size: 1.22rem; }
.columns { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(420px, 100%), 1fr)); gap: 22px; align-items: start;
  margin-top: 26px; }
.cards { display: grid; gap: 14px; } section.side { min-width: 0; }
.box { padding: 16px 18px; border: 1px solid var(--ld-line); border-radius: 10px; background: var(--ld-card); break-inside: avoid;
  min-width: 0; }
.box > h3 { margin: 0; font-size: 1rem; }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(420px, 100%), 1fr)); gap: 22px; } figure { margin: 0; }
figcaption { margin-top: 8px; color: var(--ld-soft); font-size: .88rem; }
.legend { display: inline-flex; gap: 6px; align-items: center; margin-right: 14px; } .legend::before { content: ""; width: 11px;
  height: 11px; border-radius: 3px; }
.legend.a::before { background: var(--ld-a-fill); } .legend.b::before { background: var(--ld-b-fill); }
dl.read { display: grid; grid-template-columns: minmax(7rem, max-content) 1fr; gap: 8px 20px; margin: 0; }
  dl.read dt { font-weight: 600; } dl.read dd { margin: 0; }
table { border-collapse: collapse; width: 100%; font-size: .88rem; } td { padding: 4px 12px 4px 0;
  border-bottom: 1px solid var(--ld-line); vertical-align: top;
  overflow-wrap: anywhere; } td:first-child { width: 14rem; color: var(--ld-soft); } summary { cursor: pointer; font-weight: 600; }
footer { margin-top: 30px; color: var(--ld-soft); font-size: .86rem; }
@media print { body { padding: 0; background: none; } }
"""


def page_css() -> str:
    """The style sheet of a report: it follows the reader's choice of light or dark."""
    return f":root {{{LIGHT}}} @media (prefers-color-scheme: dark) {{ :root {{{DARK}}} }} {CARDS} {PAGE}"
