"""What ``make docs`` builds beside the files of docs/: pages that have their source elsewhere, and a look at what was built.

MkDocs calls these functions (``hooks`` in mkdocs.yml). README, changelog, CONTRIBUTING and SECURITY become pages; the notebooks of
docs/examples do, with what they printed; the reference has an entry for every public name, so that none can be forgotten.
"""

from __future__ import annotations

import importlib
import inspect
import json
import re
from pathlib import Path
from typing import Any

from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File

ROOT = Path(__file__).resolve().parents[1]
PAGES = {"index.md": "README.md", "changelog.md": "CHANGELOG.md", "contributing.md": "CONTRIBUTING.md", "security.md": "SECURITY.md"}
"""Page → file beside docs/."""
PACKAGES = {
    "latentdiff": "The library: arrays, folders and encoders in, a comparison out.",
    "fiftyone_plugin": "The same on FiftyOne datasets; what is found is written back.",
}
KINDS = (("Functions", inspect.isroutine), ("Classes", inspect.isclass))
ROLE = re.compile(r":(?:class|func|meth|mod|attr|data):(<code>)?`?~?(?:[\w.]+\.)?(\w+)`?(</code>)?")
"""A cross-reference as the docstrings write it; the site shows the name."""
LOADED = re.compile(r"""<(?:script|link|img|iframe|source)\b[^>]*?\b(?:src|href)=["']?(https?:)?//[^>]*>""")
CANONICAL = re.compile(r'rel="?(?:canonical|alternate|edit)')


def on_config(config: Any) -> Any:
    """List pages of docs/ that the navigation does not name at its end."""
    named = set(re.findall(r"[\w/-]+\.md", json.dumps(config.nav)))
    if more := sorted(page.name for page in Path(config.docs_dir).glob("*.md") if page.name not in named):
        config.nav.append({"More": more})
    return config


def on_files(files: Any, config: Any) -> Any:
    """Add the pages that are made here."""
    made = {page: _adjusted((ROOT / source).read_text(encoding="utf8")) for page, source in PAGES.items()}
    made |= {f"reference/{name}.md": reference(name) for name in PACKAGES}
    for notebook in sorted((ROOT / "docs" / "examples").glob("*.ipynb")):
        made[f"examples/{notebook.stem}.md"] = page_of(notebook)
        shown = files.get_file_from_path(f"examples/{notebook.name}")
        if shown is not None:
            shown.inclusion = shown.inclusion.NOT_IN_NAV
    for path, text in made.items():
        files.append(File.generated(config, path, content=text))
    return files


def on_page_content(html: str, **_: Any) -> str:
    """Show cross-references of docstrings by their name."""
    return ROLE.sub(lambda found: f"<code>{found[2]}</code>", html)


def on_post_build(config: Any) -> None:
    """Fail where a page would load something from elsewhere."""
    for page in Path(config.site_dir).rglob("*.html"):
        for found in LOADED.finditer(page.read_text(encoding="utf8")):
            if not CANONICAL.search(found[0]):
                raise PluginError(f"{page.relative_to(config.site_dir)} loads from another host: {found[0][:200]}")


def reference(package: str) -> str:
    """A page with an entry for each public name of a package, functions first, errors last."""
    module = importlib.import_module(package)
    names = {name: getattr(module, name) for name in module.__all__}
    errors = [n for n, v in names.items() if inspect.isclass(v) and issubclass(v, BaseException)]
    parts = [f"# {package}\n\n{PACKAGES[package]}\n"]
    for heading, belongs in (*KINDS, ("Errors", None)):
        own = errors if belongs is None else [n for n, v in names.items() if belongs(v) and n not in errors]
        parts += [f"## {heading}\n"] * bool(own)
        parts += [f"::: {_place(names[name], package)}\n    options: {{heading_level: 3}}\n" for name in own]
        for name in own:
            del names[name]
    if names:
        raise PluginError(f"neither function nor class: {', '.join(names)} of {package}; say in tools/site.py how they are shown")
    return "\n".join(parts)


def _place(value: Any, package: str) -> str:
    """Where a name is defined, as mkdocstrings finds it in the sources."""
    return f"{value.__module__.replace('fiftyone_plugin.panels', 'panels')}.{value.__qualname__}" if value.__module__ else package


def page_of(notebook: Path) -> str:
    """A notebook as a page: its text, its code, and what that printed."""
    parts = []
    for cell in json.loads(notebook.read_text(encoding="utf8"))["cells"]:
        source = "".join(cell["source"])
        parts.append(source if cell["cell_type"] == "markdown" else f"```python\n{source}\n```")
        said = "".join(_text(output) for output in cell.get("outputs", ()))
        parts += [f"```text\n{said.rstrip()}\n```"] * bool(said.strip())
    return "\n\n".join([*parts, f"This page is the notebook `docs/examples/{notebook.name}`, which the tests run.", ""])


def _text(output: dict[str, Any]) -> str:
    """What an output printed or returned; warnings of the reader's own packages are left out."""
    found = "" if output.get("name") == "stderr" else "".join(output.get("text") or output.get("data", {}).get("text/plain") or "")
    return f"{found}\n" if found and not found.endswith("\n") else found


def _adjusted(text: str) -> str:
    """Links of a file beside docs/, as they are from within."""
    return text.replace("](docs/", "](")
