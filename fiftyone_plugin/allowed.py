"""What the answers of a form may reach: the owner of the App names it, in the environment of its server; forms choose among it.

FiftyOne's server takes an operator's parameters from whoever can reach it, other web pages of one's browser included.
"""

from __future__ import annotations

import ipaddress
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from latentdiff.describe.server import ADDRESS, OPENAI_ADDRESS, OPENAI_KEY, checked_url, is_local, is_openai, same_address
from latentdiff.errors import InputError, sentence
from latentdiff.inputs.roots import is_path, reachable
from latentdiff.scale.engine import Engine

from . import form_nonce

ROOTS, SERVERS, CLUSTERS = "LATENTDIFF_ROOTS", "LATENTDIFF_SERVERS", "LATENTDIFF_CLUSTERS"
"""Folders (as PATH lists them), and addresses of language servers and Ray clusters (between white space), that forms may name."""
HOW = f"list its folder in {ROOTS} where the App is started"


def shared() -> bool:
    """Whether others than this machine's user can reach the App: its address is not loopback."""
    import fiftyone as fo

    named = None
    if form_nonce.served() and "--address" in sys.argv[:-1]:
        named = sys.argv[sys.argv.index("--address") + 1]
    address = named or fo.config.default_app_address or "localhost"
    try:
        return not ipaddress.ip_address(address).is_loopback
    except ValueError:
        return bool(address != "localhost")


def roots() -> tuple[Path, ...] | None:
    """Folders that forms may name; None: anything but hidden and system folders. Where the App is shared, nothing that was not named."""
    named = os.environ.get(ROOTS)
    if named:
        return tuple(Path(folder) for folder in named.split(os.pathsep) if folder.strip())
    return () if shared() else None


def file(named: Any) -> str:
    """A file or folder that a form names, resolved; the id of something published as it is, unless the App is shared.

    Raises:
        InputError: it may not be reached.
    """
    text = str(named)
    allowed = roots()
    return str(reachable(text, allowed, HOW)) if shared() or is_path(text) else text


def place(named: Any) -> Path:
    """As :func:`file`, of a folder to write into."""
    return reachable(str(named), roots(), HOW)


def server(url: str | None) -> None:
    """Refuse language servers that the owner has not named: captions and images would go there.

    Raises:
        InputError: saying how it is named.
    """
    if not url:
        return
    url = checked_url(url)  # before it is shown: an address may hold a password
    if (is_local(url) or (is_openai(url) and os.environ.get(OPENAI_KEY))) and not shared():
        return
    known = [os.environ.get(ADDRESS, ""), os.environ.get(OPENAI_ADDRESS, ""), *os.environ.get(SERVERS, "").split()]
    if not any(same_address(url, one) for one in known):
        raise InputError(f"{url} is no server that may be asked here; list it in {SERVERS} (or {ADDRESS}) where the App is started")


def engine(chosen: Engine) -> None:
    """Refuse clusters, and exchange folders, that the owner has not named: vectors would go there, and code comes from it.

    Raises:
        InputError: saying how it is named.
    """
    known = {"", "auto", "local", os.environ.get("RAY_ADDRESS", ""), *os.environ.get(CLUSTERS, "").split()}
    if (chosen.address or "") not in known:
        raise InputError(f"{chosen.address} is no cluster that may be used here; list it in {CLUSTERS}, or set RAY_ADDRESS to it")
    where = chosen.exchange or ""
    if "://" not in where:
        if where:
            place(where)
        return
    named, _, options = where.partition("?")
    listed = [folder.partition("?") for folder in os.environ.get(CLUSTERS, "").split() if "://" in folder]
    tops = [folder.rstrip("/") for folder, _, own in listed if own == options]  # options name servers: ?endpoint_override=...
    if ".." in unquote(named).split("/") or not any(named == top or named.startswith(f"{top}/") for top in tops):
        raise InputError(f"{where} is no place that may be used here; list it in {CLUSTERS} where the App is started")


def problem(check: Callable[[Any], Any], named: Any) -> str | None:
    """Why something may not be named, as a sentence for the form; None where it may."""
    try:
        check(named)
    except InputError as e:
        return sentence(e)
    return None


def free_file(path: Path) -> None:
    """Refuse to replace a file that is no report of ours.

    Raises:
        InputError: naming it.
    """
    from latentdiff.report.writing import is_report

    if path.is_symlink() or (path.exists() and not is_report(path)):
        raise InputError(f"{path} exists and is no report of LatentDiff's; move it away, or choose another folder")


def free_folder(folder: Path) -> None:
    """Refuse to keep an SAE in a folder that holds anything else.

    Raises:
        InputError: naming it.
    """
    if not folder.exists():
        return
    if not folder.is_dir():
        raise InputError(f"{folder} is a file; name a folder")
    from latentdiff.sae.model import TRAINED_ON

    own = ("config.json", "sae.safetensors", TRAINED_ON, "unfinished-training")
    others = [entry.name for entry in folder.iterdir() if entry.name not in own]
    if others or not _is_sae(folder):
        raise InputError(f"{folder} holds files that are not of LatentDiff ({(others or ['config.json'])[0]}); choose an empty one")


def _is_sae(folder: Path) -> bool:
    config = folder / "config.json"
    if not config.exists():
        return not (folder / "sae.safetensors").exists()
    try:
        found = json.loads(config.read_text(encoding="utf8"))
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(found, dict) and str(found.get("format", "")).startswith("latentdiff")
