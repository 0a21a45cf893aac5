"""The plan of the house: which folder may import which, and that nothing is imported in a circle."""

from __future__ import annotations

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ORDER = (
    "errors", "version", "deprecation", "progress", "config", "compute", "embed", "inputs", "sae", "stats", "results", "describe",
    "comparing", "groups", "trends", "gap", "monitoring", "methods", "scale", "report", "request", "calls", "demo", "benchmark", "cli",
)  # fmt: skip
"""Folders and files of ``latentdiff``: each may import those before it."""
NEVER = {
    "stats": {"describe", "sae"},
    "report": {"comparing", "groups", "trends", "gap", "monitoring", "methods", "scale", "describe", "sae", "stats"},
    "results": {"sae", "embed"},
}
"""And these not, though they come before or after."""
PLUGIN = ("store", "forms", "operators", "panels")
"""Folders of ``fiftyone_plugin``; the SDK's own files stand between ``store`` and ``forms``, sides and vectors below both."""
MOST_AT_ROOT = 8


def modules(root: Path) -> dict[str, Path]:
    """Dotted name → file, of all that is shipped."""
    found = {}
    for top in ("latentdiff", "fiftyone_plugin", "operators", "panels"):
        for path in (root / top).rglob("*.py"):
            parts = path.relative_to(root).with_suffix("").parts
            parts = ("fiftyone_plugin", *parts) if top in PLUGIN else parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imported(name: str, path: Path, known: dict[str, Path]) -> set[str]:
    """Modules of ours that a file names in an import, inside functions and for type checkers too."""
    found: set[str] = set()
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf8"))):
        if isinstance(node, ast.ImportFrom):
            above = package.split(".")[: package.count(".") + 2 - node.level] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            found |= {f"{base}.{a.name}" if f"{base}.{a.name}" in known else base for a in node.names}
        elif isinstance(node, ast.Import):
            found |= {a.name for a in node.names}
    return {m for m in found if m in known and m != name}


@pytest.fixture(scope="module")
def arrows(root: Path) -> dict[str, set[str]]:
    known = modules(root)
    return {name: imported(name, path, known) for name, path in known.items()}


def test_nothing_is_imported_in_a_circle(arrows: dict[str, set[str]]) -> None:
    try:
        TopologicalSorter(arrows).prepare()
    except CycleError as e:
        pytest.fail(f"a circle: {' -> '.join(reversed(e.args[1]))}")


def test_no_import_of_the_library_runs_back_up(arrows: dict[str, set[str]]) -> None:
    wrong = []
    for name, targets in arrows.items():
        top, _, rest = name.partition(".")
        room = rest.split(".")[0]
        if top != "latentdiff" or not room:
            continue
        assert room in ORDER, f"{name}: say in ORDER where {room} stands"
        for target in targets:
            other = target.partition(".")[2].split(".")[0]
            if target.startswith("fiftyone_plugin"):
                wrong += [f"{name} -> {target}"] * (room not in ("cli",))
            elif other != room and (not other or ORDER.index(other) > ORDER.index(room) or other in NEVER.get(room, ())):
                wrong.append(f"{name} -> {target}")
    assert not wrong


def test_no_import_of_the_plugin_runs_back_up(arrows: dict[str, set[str]]) -> None:
    def floor(name: str) -> int:
        part = name.split(".")[1] if "." in name else ""
        return {"store": 1, "sides": 0, "vectors": 0, "forms": 3, "panels": 4, "operators": 5}.get(part, 2)

    wrong = [
        f"{name} -> {target}"
        for name, targets in arrows.items()
        for target in targets
        if name.startswith("fiftyone_plugin.") and target.startswith("fiftyone_plugin") and floor(target) > floor(name)
    ]
    assert not wrong


def test_an_import_that_runs_back_up_or_round_would_be_seen(tmp_path: Path) -> None:
    (tmp_path / "latentdiff" / "sae").mkdir(parents=True)
    (tmp_path / "latentdiff" / "sae" / "one.py").write_text("def f():\n    from ..stats import two\n")
    (tmp_path / "latentdiff" / "stats").mkdir()
    (tmp_path / "latentdiff" / "stats" / "two.py").write_text("from latentdiff.sae.one import f\n")
    known = modules(tmp_path)
    arrows = {name: imported(name, path, known) for name, path in known.items()}
    assert arrows == {"latentdiff.sae.one": {"latentdiff.stats.two"}, "latentdiff.stats.two": {"latentdiff.sae.one"}}
    with pytest.raises(CycleError):
        TopologicalSorter(arrows).prepare()


def test_the_root_of_the_library_stays_small(root: Path) -> None:
    files = sorted(p.name for p in (root / "latentdiff").glob("*.py"))
    assert len(files) <= MOST_AT_ROOT, files
