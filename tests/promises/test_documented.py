"""docs/promises.md says what was measured, and what was broken to check the tests of promises is still there to be broken."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import pytest

from tests.promises.guards import GUARDS


@pytest.fixture(scope="module")
def tool(root: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("faults_table", root / "tools" / "faults_table.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_says_what_was_measured(root: Path, tool: ModuleType) -> None:
    page = (root / "docs" / "promises.md").read_text(encoding="utf8")
    assert tool.written(page) == page, "run tools/faults_table.py"
    counts = {"a": {"tried": 1200, "survived": 1199, "lost": 1}, "b": {"tried": 3, "survived": 3, "lost": 0}}
    assert tool.of_kinds(counts, "a; b") == "1,203 / 1,202 / 1" and tool.of_kinds(counts, "c") == "not tried"
    assert tool.counts_table(counts).endswith("| b | 3 | 3 | 0 |\n| all | 1,203 | 1,202 | 1 |\n")


@pytest.mark.parametrize("guard", GUARDS, ids=[guard.broken for guard in GUARDS])
def test_what_is_broken_to_check_a_test_is_there(root: Path, guard) -> None:
    assert (root / guard.file).read_text(encoding="utf8").count(guard.old) == 1, "say in tests/promises/guards.py what stands there now"
    file, *names = guard.test.split("[")[0].split("::")
    text = (root / file).read_text(encoding="utf8")
    assert names and all(f"class {name}" in text or f"def {name}(" in text for name in names)


def test_every_test_that_was_checked_failed(root: Path) -> None:
    found = json.loads((root / "benchmarks" / "results" / "guards.json").read_text(encoding="utf8"))
    assert len({guard.broken for guard in GUARDS}) == len(GUARDS)
    assert found and found == {guard.broken: True for guard in GUARDS if guard.broken in found}, "run make guards"
