"""A comparison in words, rows and pages: what the command line, the panel, the Gradio page and report files say."""

from __future__ import annotations

from .notebook import notebook_html
from .text import p_text, percent, title, verdict
from .writing import write_report

__all__ = ["notebook_html", "p_text", "percent", "title", "verdict", "write_report"]
