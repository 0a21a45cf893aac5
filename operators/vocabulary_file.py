"""The vocabulary file of a form."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def check_file(path: Any) -> str | None:
    """What is wrong with a path as one types it, cheaply; None where nothing is."""
    if not path:
        return None
    file = Path(str(path)).expanduser()
    if file.suffix != ".npz":
        return "Name an .npz file."
    return None if file.is_file() else f"There is no file {file}."


def load(path: Any) -> Any:
    """The vocabulary in a file, or None where no file is named."""
    from latentdiff.inputs import load_vocabulary

    return load_vocabulary(str(path)) if path else None
