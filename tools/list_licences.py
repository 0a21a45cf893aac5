"""Write docs/licences.md: what LatentDiff depends on, and under which licence each stands, as the installed packages say it.

``python tools/list_licences.py`` writes it; ``--check`` only says whether it is what it would write of the declared dependencies.
"""

from __future__ import annotations

import ast
import re
import sys
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "licences.md"
HEAD = """# Licences of what LatentDiff depends on

Written by `tools/list_licences.py` from the metadata of the packages installed; LatentDiff itself is under Apache-2.0, the list of common
words under what `latentdiff/embed/WORDS-LICENSE.md` says. Weights of encoders, sparse autoencoders and captioners have licences of their
own, which whoever fetches them accepts.
"""
DECLARED = """
## Declared

| package | what for | licence | its page |
|---|---|---|---|
"""
BROUGHT = """
## Brought along by those

Everything that the packages above need in turn, on the machine where this list was made.

| package | licence |
|---|---|
"""
LONG = 60
"""Characters: a longer entry is the licence's whole text."""


def declared() -> dict[str, str]:
    """Package to what it is for: "to run", or the first extra that names it."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf8")
    core = text.split("\ndependencies = ")[1].split("\n]")[0] + "]"
    found = {Requirement(name).name: "to run" for name in ast.literal_eval(core)}
    extras = text.split("[project.optional-dependencies]")[1].split("\n[project.")[0]
    for extra, names in re.findall(r"^(\w+) = (\[.*?\])$", extras, re.DOTALL | re.MULTILINE):
        for name in map(Requirement, ast.literal_eval(names)):
            if name.name != "latentdiff":  # [all] names our own extras
                found.setdefault(name.name, f"extra `{extra}`")
    return found


def licence(name: str) -> tuple[str, str] | None:
    """A package's licence and its page; None where it is not installed."""
    try:
        head: Any = distribution(name).metadata  # an email.message.Message, which its type does not say
    except PackageNotFoundError:
        return None
    classified = [c.rpartition(" :: ")[2] for c in head.get_all("Classifier") or () if c.startswith("License ::")]
    plain = (head.get("License") or "").strip()
    short = plain if plain and plain != "UNKNOWN" and len(plain) <= LONG and "\n" not in plain else ""
    said = head.get("License-Expression") or short or " / ".join(c for c in classified if c != "OSI Approved")
    if not said:
        named = (line.strip() for line in plain.splitlines() if re.search("licen[cs]e|BSD|MIT|Apache", line, re.I))
        said = next(named, "see its page")[:LONG]
    pages = dict(url.split(", ", 1) for url in head.get_all("Project-URL") or () if ", " in url)
    page = head.get("Home-page") or next((pages[k] for k in pages if k.lower() in ("homepage", "repository", "source", "source code")), "")
    return said.replace("|", "/"), "" if page == "UNKNOWN" else page


def brought(names: list[str]) -> list[str]:
    """All further packages that those need, as installed here."""
    seen: dict[str, None] = {}
    todo = list(names)
    known = {_plain(name) for name in names}
    while todo:
        try:
            needs = distribution(todo.pop()).requires or []
        except PackageNotFoundError:
            continue
        for need in map(Requirement, needs):
            wanted = need.marker is None or need.marker.evaluate({"extra": ""})
            if wanted and _plain(need.name) not in known and licence(need.name) is not None:
                known.add(_plain(need.name))
                seen[need.name] = None
                todo.append(need.name)
    return sorted(seen, key=_plain)


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def main() -> int:
    rows = declared()
    known = {name: licence(name) for name in rows}
    missing = [name for name, found in known.items() if found is None]
    if missing:
        print(f"not installed, so their licences cannot be read: {', '.join(missing)}", file=sys.stderr)
        return 1
    lines = [f"| {name} | {rows[name]} | {found[0]} | {found[1]} |" for name in sorted(rows, key=_plain) if (found := known[name])]
    table = HEAD + DECLARED + "\n".join(lines) + "\n"
    if "--check" in sys.argv:
        return 0 if PAGE.is_file() and PAGE.read_text(encoding="utf8").startswith(table) else 1
    others = [f"| {name} | {found[0]} |" for name in brought(list(rows)) if (found := licence(name))]
    PAGE.write_text(table + BROUGHT + "\n".join(others) + "\n", encoding="utf8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
