"""Without its extras the library runs on arrays, and whoever asks for more is told the command that brings it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

from packaging.requirements import Requirement

MODULES = {"open_clip_torch": "open_clip", "sentence-transformers": "sentence_transformers"}
"""Package → its top-level module, where that has another name."""
WITHOUT = """
from importlib.machinery import PathFinder

find = PathFinder.find_spec

def present(cls, name, path=None, target=None):
    return None if name.partition(".")[0] in {absent} else find(name, path, target)

PathFinder.find_spec = classmethod(present)
"""
ENTRANCES = {
    "encoders": (
        "latentdiff.load_encoder('demo')",
        "latentdiff.load_encoder('ViT-B-32', 'openai')",
        "latentdiff.load_encoder('{transformers_model}')",
        "latentdiff.load_sae('pach')",
        "cli(['compare', '{folder}/a', '{folder}/b', '--encoder', 'demo'])",
    ),
    "describe": (
        "from latentdiff.describe.image_to_text import load_image_to_text; load_image_to_text('x')",
        "from latentdiff.describe.endpoint import ChatEndpoint; ChatEndpoint('http://localhost:1/v1', 'model')",
    ),
    "tables": (
        "from latentdiff.results.display import frame; frame([], latentdiff.Hypothesis)",
        "cli(['compare', '{folder}/a.parquet', '{folder}/b.parquet'])",
        "from latentdiff.embed.filesystem import write_table; write_table(None, '{folder}/c.parquet')",
    ),
    "ray": ("from latentdiff.scale.ray_sides import connected; connected(None).__enter__()",),
    "evaluate": (
        "from latentdiff.benchmark.evaluation import load_sentence_judge; load_sentence_judge()",
        "from latentdiff.benchmark.plots import draw; draw(None)",
    ),
    "page": ("cli(['ui', '--no-browser'])",),
    "fiftyone": (
        "import fiftyone_plugin; fiftyone_plugin.compare_views",
        "import fiftyone_plugin; fiftyone_plugin.train_sae",
        "cli(['compare', 'dataset:one', 'dataset:two', '--embeddings', 'clip'])",
        "cli(['runs', 'dataset'])",
        "cli(['install-plugin'])",
        "cli(['demo', '--no-app'])",
        "from fiftyone_plugin.panels.page.work import dataset_names; dataset_names()",
    ),
}
"""Extra → what is refused without it."""
TRIED = """
import json, re, latentdiff
from latentdiff.cli.main import _parser

def cli(words):
    args = _parser().parse_args(words)
    args.command.run(args)

told = {{}}
for code in json.loads({codes!r}):
    try:
        exec(code)
        told[code] = "nothing"
    except latentdiff.MissingPackageError as e:
        told[code] = str(e)
    except BaseException as e:
        told[code] = f"{{type(e).__name__}}: {{e}}"
print(json.dumps(told))
"""


def extras(root: Path) -> dict[str, list[Requirement]]:
    """Extra → what ``pyproject.toml`` says that it brings, those of ours that it names included."""
    text = (root / "pyproject.toml").read_text(encoding="utf8").split("[project.optional-dependencies]")[1].split("\n[")[0]
    lists = re.findall(r"^(\w+) = \[(.*?)\]$", text, re.S | re.M)
    found = {name: [Requirement(r) for r in re.findall(r'"([^"]+)"', body)] for name, body in lists}
    for name, needed in found.items():
        found[name] = [q for r in needed for q in ([p for e in sorted(r.extras) for p in found[e]] if r.name == "latentdiff" else [r])]
    return found


def core(root: Path) -> list[Requirement]:
    text = (root / "pyproject.toml").read_text(encoding="utf8")
    return [Requirement(r) for r in re.findall(r'"([^"]+)"', text.split("\ndependencies = [")[1].split("\n]")[0])]


def run_without_extras(code: str, root: Path, folder: Path) -> str:
    """Run Python in a folder, where no package of an extra is found; what it printed."""
    command = [sys.executable, "-c", WITHOUT.format(absent=sorted(absent(root))) + code]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, stdin=subprocess.DEVNULL, env=environment, check=False, timeout=600
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def absent(root: Path) -> set[str]:
    """Top-level modules of every extra but the developer's, and of what they bring along that we could have leant on."""
    ours = {MODULES.get(r.name, r.name.replace("-", "_")) for r in extras(root)["all"]}
    return ours | {"bson", "httpx", "mongoengine", "plotly", "pydantic", "pymongo", "requests", "starlette", "tqdm", "yaml"}


def test_whoever_lacks_an_extra_is_told_its_command(root: Path, tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "1.png").write_bytes(b"no picture")
        (tmp_path / f"{name}.parquet").write_bytes(b"no table")
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "config.json").write_text('{"model_type": "clip"}')
    names = {"folder": tmp_path, "transformers_model": tmp_path / "model"}
    codes = {code.format(**names): extra for extra, several in ENTRANCES.items() for code in several}
    told = json.loads(run_without_extras(TRIED.format(codes=json.dumps(list(codes))), root, tmp_path).splitlines()[-1])
    wrong = {code: said for code, said in told.items() if not said.endswith(f"is not installed: pip install 'latentdiff[{codes[code]}]'")}
    assert not wrong
    assert set(codes.values()) == set(extras(root)) - {"all", "docs", "lint", "test"}


def test_fiftyone_installs_what_all_brings(root: Path) -> None:
    lines = (root / "requirements.txt").read_text(encoding="utf8").splitlines()
    listed = [str(Requirement(line)) for line in lines if line and not line.startswith("#")]
    assert len(listed) == len(set(listed))
    assert set(listed) == {str(r) for r in [*core(root), *extras(root)["all"]]}


def test_every_extra_that_the_code_names_exists(root: Path) -> None:
    known = extras(root)
    named = {
        (str(path), extra)
        for top in ("latentdiff", "fiftyone_plugin", "operators", "panels")
        for path in (root / top).rglob("*.py")
        for extra in re.findall(r"""(?:needs|require)\(\s*"(\w+)",|latentdiff\[(\w+)\]""", path.read_text(encoding="utf8"))
        for extra in extra
        if extra
    }
    assert len(named) > 15
    assert {extra for _, extra in named} <= set(known), named
