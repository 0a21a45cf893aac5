"""Link the installed plugin into FiftyOne's plugins folder: what ``latentdiff install-plugin`` does."""

from __future__ import annotations

import fnmatch
import os
from pathlib import Path

from latentdiff.compute.extras import needs
from latentdiff.errors import InputError

NAME = "@latentdiff/latentdiff"
FOLDER = "latentdiff-plugin"
"""Not importable on purpose: Python started in the plugins folder must not take the plugin for the library."""
SECRETS = (".env*", ".git", ".netrc", ".aws", ".ssh", "*.pem", "*.key", "*.p12", "id_rsa*", "id_ed25519*", "credentials*")
"""Names that are not served: FiftyOne's App hands out every file of the plugins folder over HTTP."""


def install_plugin(plugins_dir: str | os.PathLike[str] | None = None) -> Path:
    """Link this package, and nothing beside it, into FiftyOne's plugins folder.

    A link follows an upgrade of the package by itself. Where the package is a checkout (``pip install -e``), only its
    ``fiftyone_plugin`` folder is linked, never the checkout with its ``.git`` and its settings. Doing it twice is harmless.

    Args:
        plugins_dir: FiftyOne's plugins folder, made if missing; default ``fiftyone.config.plugins_dir``.

    Returns:
        The link, ``<plugins_dir>/latentdiff-plugin``.

    Raises:
        InputError: where the package holds secrets, where something else is in the way (nothing is ever replaced but a
            link that dangles or leads to this plugin), or where the link cannot be made.
    """
    package = Path(__file__).resolve().parent
    _refuse_secrets(package)
    plugins = _plugins_folder(plugins_dir)
    link = plugins / FOLDER
    _refuse_other_copies(plugins, link)
    if link.is_symlink() and link.resolve() == package:
        return link
    if link.exists() and not (link.is_symlink() and _plugin_name(link / "fiftyone.yml") == NAME):
        raise InputError(f"{link} exists and is no link to {NAME}: move it away, or name another plugins folder, and try again")
    try:
        plugins.mkdir(parents=True, exist_ok=True)
        fresh = plugins / f".{FOLDER}-{os.getpid()}"
        fresh.symlink_to(package, target_is_directory=True)
        fresh.replace(link)  # in one step: there is never no plugin, nor half of one
    except OSError as e:
        raise InputError(f"cannot link {package} as {link}: {e}. Name a writable folder on a file system with links") from e
    return link


def _plugins_folder(plugins_dir: str | os.PathLike[str] | None) -> Path:
    if plugins_dir is None:
        with needs("fiftyone", "the plugin"):
            import fiftyone as fo

        plugins_dir = fo.config.plugins_dir
    folder = Path(plugins_dir).expanduser().absolute()
    if folder.exists() and not folder.is_dir():
        raise InputError(f"the plugins folder {folder} is a file: name a folder")
    return folder


def _refuse_secrets(package: Path) -> None:
    for folder, folders, files in os.walk(package):
        for name in [*folders, *files]:
            if any(fnmatch.fnmatch(name.lower(), pattern) for pattern in SECRETS):
                raise InputError(
                    f"{Path(folder, name)} looks like a secret, and FiftyOne's App serves every file of a plugin over HTTP: "
                    "move it out of the package and try again"
                )


def _refuse_other_copies(plugins: Path, link: Path) -> None:
    """A second plugin of our name would hide the new one, or be hidden by it, without a word."""
    for metadata in sorted(plugins.glob("*/fiftyone.yml")) + sorted(plugins.glob("*/*/fiftyone.yml")):
        if link in metadata.parents:
            continue
        if _plugin_name(metadata) == NAME:
            raise InputError(f"{metadata.parent} already holds {NAME}: remove it, or keep it and do without install-plugin")


def _plugin_name(metadata: Path) -> str | None:
    import yaml

    try:
        content = yaml.safe_load(metadata.read_text(encoding="utf8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return None  # someone else's broken plugin is not ours to judge
    return content.get("name") if isinstance(content, dict) else None
