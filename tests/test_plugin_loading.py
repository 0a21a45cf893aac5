"""The plugin loads in FiftyOne's own loader by every way there is to install it."""

from __future__ import annotations

import contextlib
import functools
import http.server
import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from fiftyone_plugin.install import FOLDER, NAME, install_plugin
from latentdiff.errors import InputError

PARTS = ("fiftyone.yml", "requirements.txt", "fiftyone_plugin", "latentdiff", "operators", "panels")

LOAD = """
import json, sys
hide_checkout = {hide!r}
if hide_checkout:  # the environment's own editable install: this route must do without it
    sys.meta_path[:] = [f for f in sys.meta_path if not getattr(f, "__module__", "").startswith("__editable___latentdiff")]
import fiftyone.plugins as fop
from fiftyone.plugins.context import PluginContext

(definition,) = (d for d in fop.list_plugins(enabled=True, builtin=False) if d.name == {name!r})
for _ in range(2):  # FiftyOne executes the entry module again whenever it rebuilds its registry
    context = PluginContext(definition)
    context.register_all()
heavy = [m for m in ("torch", "open_clip", "transformers", "gradio") if m in sys.modules]
import fiftyone_plugin, latentdiff  # operators import both by name when they run
found = dict(
    directory=definition.directory,
    errors=context.errors,
    instances=sorted(i.name for i in context.instances),
    library=latentdiff.__file__,
    package=fiftyone_plugin.__file__,
    heavy=heavy,
    modules=[type(i).__module__ for i in context.instances],
)
print(json.dumps(found))
"""


def listed(metadata: Path) -> dict[str, Any]:
    return yaml.safe_load(metadata.read_text(encoding="utf8"))


def run_python(code: str, *arguments: str, plugins: Path, path: str | Path | None = None) -> str:
    environment = {**os.environ, "FIFTYONE_PLUGINS_DIR": str(plugins), "PYTHONPATH": str(path or ""), "NO_PROXY": "*"}
    command = [sys.executable, "-c", code, *arguments]
    result = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, env=environment, cwd=plugins, check=False)
    assert result.returncode == 0, result.stderr
    return result.stdout


def load(plugins: Path, *, path: Path | None = None, hide: bool = False) -> dict[str, Any]:
    """What FiftyOne's loader makes of a plugins folder, in a process of its own."""
    found = json.loads(run_python(LOAD.format(name=NAME, hide=hide), plugins=plugins, path=path).splitlines()[-1])
    assert found["errors"] == []
    assert Path(found["package"]).parents[1] == Path(found["library"]).parents[1]  # one version, not a mixture
    return found


@pytest.fixture
def names(root: Path) -> list[str]:
    metadata = listed(root / "fiftyone.yml")
    return sorted(metadata["operators"] + metadata["panels"])


@pytest.fixture
def plugins(tmp_path: Path) -> Path:
    folder = tmp_path / "plugins"
    folder.mkdir()
    return folder


@contextlib.contextmanager
def served(folder: Path) -> Iterator[str]:
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *args: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def test_both_metadata_files_agree_but_for_the_paths(root: Path) -> None:
    checkout, installed = listed(root / "fiftyone.yml"), listed(root / "fiftyone_plugin" / "fiftyone.yml")
    for key in ("py_entry", "js_bundle"):
        assert ("fiftyone_plugin/" + installed[key] if key in installed else None) == checkout.get(key)
        assert (root / checkout.get(key, "fiftyone.yml")).is_file()
    assert {**checkout, "py_entry": "", "js_bundle": ""} == {**installed, "py_entry": "", "js_bundle": ""}
    assert checkout["name"] == NAME


def test_metadata_has_the_package_version(root: Path) -> None:
    import latentdiff

    assert listed(root / "fiftyone.yml")["version"] == latentdiff.__version__


def test_metadata_lists_exactly_what_register_registers(root: Path) -> None:
    """FiftyOne silently drops what the file does not list, and silently ignores what it lists in vain."""
    from fiftyone.operators import Operator, Panel

    import fiftyone_plugin

    class Recorder:
        def __init__(self) -> None:
            self.instances: list[Operator] = []

        def register(self, cls: type[Operator]) -> None:
            self.instances.append(cls(_builtin=False))

    recorder = Recorder()
    fiftyone_plugin.register(recorder)
    panels = [i.name for i in recorder.instances if isinstance(i, Panel)]
    operators = [i.name for i in recorder.instances if not isinstance(i, Panel)]
    metadata = listed(root / "fiftyone.yml")
    assert sorted(metadata["operators"]) == sorted(operators)
    assert sorted(metadata["panels"]) == sorted(panels)


def test_symlink_of_a_checkout(root: Path, plugins: Path, names: list[str]) -> None:
    (plugins / "anything").symlink_to(root, target_is_directory=True)
    found = load(plugins, hide=True)
    assert found["instances"] == names
    assert found["library"] == str(root / "latentdiff" / "__init__.py")
    assert found["heavy"] == []


def test_downloaded_zip_brings_its_own_library(root: Path, plugins: Path, names: list[str], tmp_path: Path) -> None:
    for part in PARTS:
        source, target = root / part, tmp_path / "zip" / "latentdiff-main" / part
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, target)
    shutil.make_archive(str(tmp_path / "web" / "latentdiff"), "zip", tmp_path / "zip")
    with served(tmp_path / "web") as url:
        run_python("from fiftyone.core.cli import main; main()", "plugins", "download", f"{url}/latentdiff.zip", plugins=plugins)
    found = load(plugins, hide=True)
    assert found["instances"] == names
    assert Path(found["directory"]).is_relative_to(plugins)
    assert found["library"] == str(Path(found["directory"]).resolve() / "latentdiff" / "__init__.py")
    assert found["heavy"] == []


def test_installed_wheel_and_install_plugin(wheel: Path, plugins: Path, names: list[str], tmp_path: Path) -> None:
    site = tmp_path / "site"
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", site, wheel]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    code = "from fiftyone_plugin.install import install_plugin; print(install_plugin())"
    link = Path(run_python(code, plugins=plugins, path=site).strip())
    assert link == plugins / FOLDER
    assert link.resolve() == site / "fiftyone_plugin"
    found = load(plugins, path=site, hide=True)
    assert found["instances"] == names
    assert found["library"] == str(site / "latentdiff" / "__init__.py")
    assert found["heavy"] == []


def test_editable_install_links_only_the_package(root: Path, plugins: Path, names: list[str]) -> None:
    link = install_plugin(plugins)
    assert link.resolve() == root / "fiftyone_plugin"
    assert not (link / ".git").exists() and not (link / "pyproject.toml").exists()
    assert load(plugins, path=root)["instances"] == names


def test_fiftyone_finds_the_requirements_of_a_checkout(root: Path, plugins: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import fiftyone as fo
    import fiftyone.plugins as fop

    (plugins / "latentdiff").symlink_to(root, target_is_directory=True)
    monkeypatch.setattr(fo.config, "plugins_dir", str(plugins))
    lines = (root / "requirements.txt").read_text(encoding="utf8").splitlines()
    assert fop.load_plugin_requirements(NAME) == [line for line in lines if line and not line.startswith("#")]
    fop.ensure_plugin_requirements(NAME, error_level=0)
    fop.ensure_plugin_compatibility(NAME, error_level=0)


class TestInstallPlugin:
    def test_twice_is_harmless_and_leaves_nothing_but_the_link(self, plugins: Path) -> None:
        assert install_plugin(plugins) == install_plugin(plugins)
        assert [p.name for p in plugins.iterdir()] == [FOLDER]

    def test_makes_the_folder(self, tmp_path: Path) -> None:
        assert install_plugin(tmp_path / "deep" / "plugins").is_symlink()

    def test_replaces_a_dangling_link(self, plugins: Path, root: Path) -> None:
        (plugins / FOLDER).symlink_to(plugins / "gone")
        assert install_plugin(plugins).resolve() == root / "fiftyone_plugin"

    def test_replaces_a_link_to_a_checkout(self, plugins: Path, root: Path) -> None:
        (plugins / FOLDER).symlink_to(root, target_is_directory=True)
        assert install_plugin(plugins).resolve() == root / "fiftyone_plugin"

    def test_keeps_a_folder_that_is_in_the_way(self, plugins: Path) -> None:
        (plugins / FOLDER).mkdir()
        (plugins / FOLDER / "precious").write_text("mine")
        with pytest.raises(InputError, match="is no link to"):
            install_plugin(plugins)
        assert (plugins / FOLDER / "precious").read_text() == "mine"

    def test_keeps_a_link_to_another_plugin(self, plugins: Path, tmp_path: Path) -> None:
        (tmp_path / "other").mkdir()
        (tmp_path / "other" / "fiftyone.yml").write_text("name: '@other/plugin'")
        (plugins / FOLDER).symlink_to(tmp_path / "other", target_is_directory=True)
        with pytest.raises(InputError, match="is no link to"):
            install_plugin(plugins)
        assert (plugins / FOLDER).resolve() == tmp_path / "other"

    @pytest.mark.parametrize("place", ["downloaded", "@latentdiff/latentdiff"])
    def test_names_the_copy_that_would_hide_it(self, plugins: Path, place: str) -> None:
        (plugins / place).mkdir(parents=True)
        (plugins / place / "fiftyone.yml").write_text(f"name: '{NAME}'")
        with pytest.raises(InputError, match=f"{place} already holds"):
            install_plugin(plugins)
        assert not (plugins / FOLDER).exists()

    @pytest.mark.parametrize("secret", [".env", ".env.local", "server.pem", "dist/credentials.json"])
    def test_refuses_to_serve_secrets(self, plugins: Path, root: Path, tmp_path: Path, secret: str) -> None:
        package = tmp_path / "checkout" / "fiftyone_plugin"
        shutil.copytree(root / "fiftyone_plugin", package, ignore=shutil.ignore_patterns("__pycache__"))
        (package / secret).parent.mkdir(exist_ok=True)
        (package / secret).write_text("OPENAI_API_KEY=x")
        code = f"from fiftyone_plugin.install import install_plugin as i\ntry: i({str(plugins)!r})\nexcept ValueError as e: print(e)"
        said = run_python(code, plugins=plugins, path=f"{package.parent}{os.pathsep}{root}")
        assert Path(secret).name in said and "over HTTP" in said
        assert list(plugins.iterdir()) == []

    def test_says_where_a_file_is_no_folder(self, tmp_path: Path) -> None:
        (tmp_path / "plugins").write_text("")
        with pytest.raises(InputError, match="is a file"):
            install_plugin(tmp_path / "plugins")
