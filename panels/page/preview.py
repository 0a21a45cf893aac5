"""What a folder holds, before anything is compared: how many images, and some of them."""

from __future__ import annotations

import time
from pathlib import Path

from latentdiff.errors import Cancelled, LatentDiffError, sentence
from latentdiff.inputs.folders import image_folder
from latentdiff.report.html import strip_html
from latentdiff.report.text import escape, images
from latentdiff.report.thumbnails import inline

from .settings import PageSettings

SHOWN = 5
SECONDS = 5.0
"""After which a folder is too large to be counted while somebody waits."""
ZIPPED = "{} is a zip file: choose it in the tab “Two zip files”."


def is_zip(named: str) -> bool:
    """Whether what was typed as a folder is a zip file."""
    return named.strip().lower().endswith(".zip") and not Path(named.strip()).expanduser().is_dir()


def preview(named: str, settings: PageSettings) -> str:
    """HTML: the number of images in a folder and some thumbnails, or why there are none; nothing for an empty box.

    Args:
        named: what was typed.
        settings: of the page; what lies outside its roots is not looked into.
    """
    named = named.strip()
    if not named:
        return ""
    if is_zip(named):
        return _said(ZIPPED.format(Path(named).name))
    until = time.monotonic() + SECONDS

    def look(fraction: float, label: str) -> None:
        if time.monotonic() > until:
            raise Cancelled(label)

    try:
        found = image_folder(named, settings.roots, look)
    except Cancelled as e:
        return _said(f"A large folder ({e}).")
    except LatentDiffError as e:
        return _said(sentence(e))
    some = found.paths[:: max(1, len(found.paths) // SHOWN)][:SHOWN]
    pictures = [uri for path in some if (uri := inline(path, 96))]
    return _said(f"{images(len(found.paths))}.") + strip_html(pictures, f"in {Path(named).name}")


def _said(text: str) -> str:
    return f'<p class="ld-where">{escape(text)}</p>'
