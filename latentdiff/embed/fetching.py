"""Weights that an encoder of open_clip is fetched with: whether they are on this machine, and else whether they can be fetched, and how."""

from __future__ import annotations

import os
import queue
import socket
import threading
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ..compute.cache import cache_folder
from ..compute.extras import needs
from ..errors import EncoderError

PRESETS = {"paper": ("ViT-L-14-336", "openai"), "fast": ("ViT-B-32", "openai")}
"""``paper`` is the encoder of the public SAEs; ``fast`` is the small one of the same family."""
OF_PRESETS = {"paper": ("timm/vit_large_patch14_clip_336.openai/", 1712), "fast": ("timm/vit_base_patch32_clip_224.openai/", 605)}
"""Where open_clip fetches their weights (its ``hf_hub``), and their megabytes: known before the library is imported, which takes long."""
SAFE, PICKLED = "open_clip_model.safetensors", "open_clip_pytorch_model.bin"
"""Files of a hub repository that open_clip wrote, the one that it takes first before the other."""
SECONDS = 2.5
"""In which a hub has to take a connection: one that takes longer hands over no gigabyte."""


@dataclass(frozen=True)
class Weights:
    """The file of weights of an architecture's pretrained tag."""

    name: str
    tag: str
    repository: str
    """On the model hub; empty where ``url`` says where it is."""
    url: str
    """Address of the file that is fetched first."""
    files: tuple[str, ...]
    """Names that the file may have, the preferred one first."""
    hub_name: str = ""
    """The repository with or without a file, as open_clip has it."""
    megabytes: int | None = None

    @property
    def own_folder(self) -> Path:
        """Where a file that was copied here by hand is found."""
        return cache_folder() / "encoders" / f"{self.name}-{self.tag}"

    @property
    def here(self) -> Path | None:
        """The file on this machine: where it was copied to, or where it was fetched to; None where it is in neither place."""
        places = [self.own_folder]
        if self.repository:
            with needs("encoders", "an encoder"):
                from huggingface_hub.constants import HF_HUB_CACHE
            places += sorted((Path(HF_HUB_CACHE) / f"models--{self.repository.replace('/', '--')}" / "snapshots").glob("*"))
        else:
            places.append(Path("~/.cache/clip").expanduser())
        return next((folder / file for folder in places for file in self.files if (folder / file).is_file()), None)

    @property
    def size(self) -> str:
        """As one says it: "605 MB"; empty where it is not known."""
        return f"{self.megabytes:,} MB" if self.megabytes else ""

    def missing(self, why: str) -> str:
        """What is not here, why it cannot be fetched, and the way to copy it from another machine."""
        size = f", {self.size}," if self.size else ""
        return (
            f"the weights of {self.name} ({self.tag}){size} are not on this machine and could not be fetched: {why}. "
            f"On a machine that reaches it: {self.command}. Put the file into {self.own_folder}, where it is found by itself, or name it: "
            f"--encoder {self.name} --pretrained {self.tag}=FILE, load_encoder({self.name!r}, '{self.tag}=FILE')"
        )

    @property
    def command(self) -> str:
        """What fetches the file on another machine."""
        return f"curl -LO {self.url}"


def of_preset(name: str) -> Weights | None:
    """The weights of a preset, without importing a model library; None for other names."""
    if name not in PRESETS or Path(name).exists():
        return None
    hub, megabytes = OF_PRESETS[name]
    return of_config(*PRESETS[name], {"hf_hub": hub}, megabytes)


def of_config(name: str, tag: str, config: Mapping[str, Any], megabytes: int | None = None) -> Weights:
    """The weights of a tag from what open_clip knows of it (``hf_hub``: repository with or without a file, ``url``).

    Args:
        name: architecture.
        tag: pretrained tag.
        config: open_clip's of that tag.
        megabytes: their size, where it is known.
    """
    repository, _, file = str(config.get("hf_hub") or "").rpartition("/")
    if not repository:
        url = str(config.get("url") or "")
        return Weights(name, tag, "", url, (url.rsplit("/", 1)[-1],), "", megabytes)
    stem, ending = os.path.splitext(file)
    safe = (f"{stem}.safetensors",) if ending in (".bin", ".pth") else ()
    files = (*safe, file) if file else (SAFE, PICKLED)
    return Weights(name, tag, repository, f"{hub()}/{repository}/resolve/main/{files[0]}", files, str(config["hf_hub"]), megabytes)


def fetched(wanted: Weights) -> Path:
    """The file of weights; one that was fetched or copied here before is taken without asking the hub.

    Raises:
        EncoderError: it is not here and cannot be fetched; says what to do.
    """
    import open_clip

    here = wanted.here
    if here is not None and (wanted.repository or here.parent == wanted.own_folder):  # of an address, open_clip checks the digest
        return here
    why, cause = unreachable(wanted.url) if here is None else "", None
    if not why:
        try:
            source = {"hf_hub": wanted.hub_name} if wanted.repository else {"url": wanted.url}
            return Path(open_clip.download_pretrained(source))
        except Exception as e:
            why, cause = f"{wanted.url}: {type(e).__name__}: {str(e)[:300]}", e
    raise EncoderError(wanted.missing(why)) from cause


def hub() -> str:
    """Address of the model hub: huggingface.co, or what HF_ENDPOINT names."""
    with needs("encoders", "an encoder"):
        from huggingface_hub import constants
    return str(constants.ENDPOINT)


def unreachable(url: str) -> str:
    """Why nothing can be fetched from an address, in words; empty where its host, or the proxy before it, takes a connection.

    Args:
        url: of a file.
    """
    with needs("encoders", "an encoder"):
        from huggingface_hub import constants
    if constants.HF_HUB_OFFLINE and url.startswith(constants.ENDPOINT):
        return "HF_HUB_OFFLINE is set"
    parts = urlsplit(url)
    proxy = None if urllib.request.proxy_bypass(parts.hostname or "") else urllib.request.getproxies().get(parts.scheme)
    try:
        reached = urlsplit(proxy if proxy and "://" in proxy else f"//{proxy}") if proxy else parts
        port = reached.port or (443 if reached.scheme == "https" else 80)
    except ValueError as e:
        return f"the proxy of the environment (HTTP_PROXY, HTTPS_PROXY) is no address ({e})" if proxy else f"{url} is no address ({e})"
    answers: queue.SimpleQueue[str] = queue.SimpleQueue()
    # In a thread of its own: looking up a name has no time limit.
    threading.Thread(target=_try, args=(reached.hostname or "", port, answers), name="latentdiff-hub", daemon=True).start()
    try:
        return answers.get(timeout=SECONDS)
    except queue.Empty:
        return f"{reached.hostname} did not answer within {SECONDS:g} s"


def _try(host: str, port: int, answers: queue.SimpleQueue[str]) -> None:
    try:
        socket.create_connection((host, port), timeout=SECONDS).close()
    except OSError as e:
        answers.put(f"{host} cannot be reached ({e.strerror or e})")
    else:
        answers.put("")
