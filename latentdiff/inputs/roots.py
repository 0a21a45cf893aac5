"""Which files of this machine a form may name: what its owner named, or for one person anything but hidden and system folders."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from ..errors import InputError

SYSTEM = tuple(
    Path(name)
    for name in ("/bin", "/boot", "/dev", "/etc", "/lib", "/lib32", "/lib64", "/proc", "/root", "/run", "/sbin", "/sys", "/usr", "/var")
) + tuple(Path(name) for name in ("/Library", "/System", "/private/etc", "/private/var"))
"""Folders of the system's own; one's home and the temporary folder are one's own wherever they lie."""


def reachable(path: str | Path, roots: Sequence[Path] | None, how: str) -> Path:
    """A path that may be read or written, with ``~`` and links followed.

    Args:
        path: as it was named.
        roots: folders below which it has to lie; None: anywhere but in hidden and system folders.
        how: what its owner does to allow it, as the end of a sentence.

    Returns:
        The absolute path without links: what was checked is what is opened.

    Raises:
        InputError: no path, or one that may not be reached.
    """
    text = str(path)
    if not text.strip() or "\0" in text:
        raise InputError(f"{text!r} is no path; name a folder or a file")
    try:
        found = Path(text).expanduser().resolve()
    except (OSError, RuntimeError) as e:
        raise InputError(f"{text} cannot be opened: {e}") from e
    if roots is not None:
        if not any(found.is_relative_to(root.expanduser().resolve()) for root in roots):
            where = ", ".join(map(str, roots)) or "none"
            raise InputError(f"{text} lies outside the folders that may be used here ({where}); {how}")
        return found
    own = next((base for base in _own() if found.is_relative_to(base)), None)
    if own is None and any(found.is_relative_to(folder) for folder in SYSTEM):
        raise InputError(f"{text} is in a folder of the system; choose another, or {how}")
    if any(part.startswith(".") for part in (found.relative_to(own) if own else found).parts):
        raise InputError(f"{text} is in a hidden folder, or hidden itself; choose another, or {how}")
    return found


def is_path(named: str) -> bool:
    """Whether a name is a path rather than the id of something published."""
    return named.startswith(("/", "~", ".", "\\")) or Path(named).exists()


def _own() -> list[Path]:
    """Folders of one's own, the deepest first: this package's is one, its demo has files."""
    bases = {Path.home().resolve(), Path(tempfile.gettempdir()).resolve(), Path(__file__).resolve().parents[1]} - {Path("/")}
    return sorted(bases, key=lambda base: -len(base.parts))
