"""What is published: names, versions, and the contents of the wheel."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
import zipfile
from email.parser import Parser
from pathlib import Path
from types import ModuleType

import pytest

import latentdiff

HEAVY = ("torch", "open_clip", "transformers", "sentence_transformers", "fiftyone", "gradio", "ray", "openai")
SOURCES = {
    "latentdiff": "latentdiff",
    "fiftyone_plugin": "fiftyone_plugin",
    "operators": "fiftyone_plugin/operators",
    "panels": "fiftyone_plugin/panels",
}
"""Folder in the repository -> folder in the wheel."""


def in_fresh_python(code: str, **environment: str) -> str:
    command, environment = [sys.executable, "-c", code], {**os.environ, **environment}
    result = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, env=environment, check=False)
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()


def metadata(wheel: Path, name: str) -> str:
    with zipfile.ZipFile(wheel) as archive:
        (member,) = (n for n in archive.namelist() if n.endswith(f".dist-info/{name}"))
        return archive.read(member).decode()


def test_all_is_exactly_the_public_names() -> None:
    code = "import latentdiff, json; print(json.dumps([n for n, v in vars(latentdiff).items() if type(v) is not type(json)]))"
    assert [name for name in json.loads(in_fresh_python(code)) if not name.startswith("_")] == []
    tree = ast.parse(Path(latentdiff.__file__).read_text(encoding="utf8"))
    checkers = next(node for node in tree.body if isinstance(node, ast.If))  # what type checkers see
    seen = {a.name: "." + node.module for node in checkers.body if isinstance(node, ast.ImportFrom) for a in node.names}
    assert seen == latentdiff._WHERE
    assert list(latentdiff.__all__) == sorted(latentdiff.__all__) == sorted(seen)


def test_public_names_say_what_they_are() -> None:
    for name in latentdiff.__all__:
        value = getattr(latentdiff, name)
        assert not isinstance(value, ModuleType), f"{name} is a module: it would hide the function of that name"
        assert (value.__doc__ or "").strip(), f"latentdiff.{name} has no docstring"


@pytest.mark.parametrize("module", ["latentdiff", "latentdiff.cli", "fiftyone_plugin", "fiftyone_plugin.install"])
def test_import_is_light(module: str, root: Path) -> None:
    code = f"import sys, json, {module}; print(json.dumps([m for m in {HEAVY} if m in sys.modules]))"
    assert json.loads(in_fresh_python(code, PYTHONPATH=str(root))) == []


@pytest.mark.parametrize("code", ["import latentdiff", "from latentdiff.cli.main import main; main(['--help'])"])
def test_first_use_waits_for_nothing(code: str, root: Path) -> None:
    slow = ("numpy", "scipy.sparse", "scipy.stats", "sklearn", "torch", "pyarrow", "rich")
    code = f"{code}\nimport sys; print([m for m in {slow} if m in sys.modules])"
    assert in_fresh_python(code, PYTHONPATH=str(root)).splitlines()[-1] == "[]"


def test_a_method_can_be_named_before_anything_else(root: Path) -> None:
    code = "import latentdiff; print(*(latentdiff.MethodConfig(name).method for name in ('latentdiff', 'visdiff', 'gsclip', 'mean')))"
    assert in_fresh_python(code, PYTHONPATH=str(root)) == "latentdiff visdiff gsclip mean"


def test_changelog_is_headed_by_this_version(root: Path) -> None:
    headings = re.findall(r"^## (\S+)", (root / "CHANGELOG.md").read_text(encoding="utf8"), flags=re.MULTILINE)
    released = next(name for name in headings if name != "Unreleased")
    if ".dev" in latentdiff.__version__:  # on the way from the last release to the next
        parts = ([int(x) for x in version.split(".")[:3]] for version in (released, latentdiff.__version__))
        assert headings[0] == "Unreleased" and next(parts) < next(parts)
    else:
        assert released == latentdiff.__version__
    assert "Unreleased" not in headings[1:]
    assert len(headings) == len(set(headings))


def test_citation_names_this_version_and_the_paper(root: Path) -> None:
    import yaml

    cited = yaml.safe_load((root / "CITATION.cff").read_text(encoding="utf8"))
    assert cited["version"] == latentdiff.__version__ and cited["license"] == "Apache-2.0"
    paper = cited["preferred-citation"]
    assert [author["family-names"] for author in paper["authors"]] == ["Flora", "Thopalli", "Kulkarni", "Wong", "Liu"]
    assert paper["url"] in (root / "fiftyone.yml").read_text(encoding="utf8") and "arXiv:2605.00899" in str(paper["identifiers"])


def test_the_workflow_runs_what_ci_runs(root: Path) -> None:
    import yaml

    (job,) = yaml.safe_load((root / ".github/workflows/check.yml").read_text(encoding="utf8"))["jobs"].values()
    assert [step["run"] for step in job["steps"] if "run" in step] == [".ci/run"]
    assert os.access(root / ".ci/run", os.X_OK)
    for form in (root / ".github/ISSUE_TEMPLATE").glob("[!c]*.yml"):
        fields = yaml.safe_load(form.read_text(encoding="utf8"))
        ids = [field["id"] for field in fields["body"] if field["type"] != "markdown"]
        assert {"name", "description", "body"} <= set(fields) and len(ids) == len(set(ids)) >= 3


def test_wheel_holds_every_module_and_nothing_else(wheel: Path, root: Path) -> None:
    expected = {
        f"{target}/{path.relative_to(root / source).as_posix()}"
        for source, target in SOURCES.items()
        for path in (root / source).rglob("*.py")
    }
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if name.endswith(".py")}
    assert held == expected, "list every package under [tool.setuptools] in pyproject.toml"


def test_wheel_holds_every_data_file(wheel: Path, root: Path) -> None:
    patterns = (
        "*/py.typed",
        "latentdiff/demo/**/*.json",
        "latentdiff/demo/**/*.txt",
        "latentdiff/demo/**/*.safetensors", "latentdiff/embed/*.txt*", "latentdiff/embed/*.md", "fiftyone_plugin/dist/*.js",
            "latentdiff/benchmark/*.txt.gz", "latentdiff/benchmark/*.md", "latentdiff/benchmark/*.tsv", "latentdiff/benchmark/*.json")
    expected = {p.relative_to(root).as_posix() for pattern in patterns for p in root.glob(pattern)} | {"fiftyone_plugin/fiftyone.yml"}
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if not name.endswith(".py") and ".dist-info/" not in name}
    assert held == expected, "name every data file under [tool.setuptools.package-data] in pyproject.toml"


def test_wheel_metadata(wheel: Path, root: Path) -> None:
    from packaging.requirements import Requirement

    head = Parser().parsestr(metadata(wheel, "METADATA"))
    assert (head["Name"], head["Version"], head["License-Expression"]) == ("latentdiff", latentdiff.__version__, "Apache-2.0")
    assert head["Requires-Python"] == ">=3.10"
    needed = [Requirement(r).name for r in head.get_all("Requires-Dist") if "extra ==" not in r]
    assert needed == ["numpy", "scipy", "scikit-learn", "torch", "safetensors", "pillow", "threadpoolctl", "rich"]
    extras = {"all", "describe", "docs", "encoders", "evaluate", "fiftyone", "lint", "page", "ray", "tables", "test"}
    assert set(head.get_all("Provides-Extra")) == extras
    assert "latentdiff = latentdiff.cli:main" in metadata(wheel, "entry_points.txt")
    assert "Apache License" in metadata(wheel, "licenses/LICENSE")


def test_installed_packages_meet_the_requirements(root: Path) -> None:
    from importlib.metadata import version

    from packaging.requirements import Requirement

    for line in (root / "requirements.txt").read_text(encoding="utf8").splitlines():
        if line and not line.startswith("#"):
            requirement = Requirement(line)
            assert requirement.specifier.contains(version(requirement.name), prereleases=True), f"{requirement} is not what is installed"


def test_set_up_says_what_a_bare_debian_lacks(root: Path, tmp_path: Path) -> None:
    script = root / "tools" / "setup_environment.py"
    without_ensurepip = f"import sys, runpy; sys.modules['ensurepip'] = None; runpy.run_path({str(script)!r}, run_name='__main__')"
    result = subprocess.run(
        [sys.executable, "-c", without_ensurepip, "--venv", tmp_path / "venv", "--stamp", tmp_path / "stamp"],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        env={**os.environ, "PATH": str(tmp_path)},
        check=False,
    )
    assert result.returncode == 1
    assert f"apt-get install python{sys.version_info.major}.{sys.version_info.minor}-venv" in result.stderr
    assert list(tmp_path.iterdir()) == []
