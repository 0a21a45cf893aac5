"""The encoder of a request of the page: whether its weights are here, what is said where they are not, and whether it knows such images."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from latentdiff import load_encoder
from latentdiff.embed.fetching import Weights, of_preset, unreachable
from latentdiff.errors import EncoderError, InputError, MissingPackageError
from latentdiff.inputs.folders import ImageSide
from latentdiff.sae.shipped import strangers

from .asked import Asked
from .settings import DEMO, PageSettings

TITLES = {
    "fast": "CLIP ViT-B/32: fast",
    "paper": "CLIP ViT-L/14 at 336 px: finer, 30 times slower",
    DEMO: "That of the demo: drawn scenes only",
}
LOOKED_AT = 40
"""Images of a side by which the demo's encoder sees whether they are scenes."""
NOT_HERE = "the encoder's weights are not on the machine that serves this page, and none are fetched for visitors: tell whoever started it"


def choices(settings: PageSettings) -> list[tuple[str, str]]:
    """(title, name) of the encoders that can be chosen; those whose weights are on this machine come first, and say so."""
    named = TITLES if settings.loopback else {name: TITLES[name] for name in (settings.encoder, DEMO) if name in TITLES}
    known = {**named, **({} if settings.encoder in TITLES else {settings.encoder: settings.encoder})}
    states = {name: _missing(name, settings) for name in known}
    titles = {name: f"{title} ({_marked(name, states[name])})" if _marked(name, states[name]) else title for name, title in known.items()}
    return [(titles[name], name) for name in sorted(known, key=lambda name: states[name] is not None)]


def _marked(name: str, missing: Weights | None) -> str:
    if missing is not None:
        return f"{missing.size}, not here"
    return "on this machine" if name in TITLES else ""


def _missing(name: str, settings: PageSettings) -> Weights | None:
    """The weights of a preset that are not here; None where they are, where the page was started with its own, and for other encoders."""
    try:
        wanted = None if name == settings.encoder and settings.pretrained else of_preset(name)
        return wanted if wanted is not None and wanted.here is None else None
    except MissingPackageError:  # said when it is compared
        return None


def state(name: str, settings: PageSettings) -> tuple[str, bool]:
    """What is to be said of an encoder before anything is compared, as HTML, and whether a file of its weights is to be asked for.

    Args:
        name: of the encoder that is chosen.
        settings: of the page.
    """
    wanted = _missing(name, settings)
    if wanted is None:
        return "", False
    if not settings.loopback:  # for a visitor nothing is fetched, nor looked whether it could be
        return _said("error", f"{NOT_HERE[:1].upper()}{NOT_HERE[1:]}."), False
    why, host = unreachable(wanted.url), urlsplit(wanted.url).netloc
    if not why:
        return _said("info", f"{_called(name, wanted)} is not on this machine yet: it is fetched from {host} when it is first used."), False
    lines = (
        f"{_lacking(name, wanted, why)}. Fetch its file on another machine:",
        wanted.command,
        f"Copy the file into {wanted.own_folder}, where it is found by itself, or name it below. Another model serves as well.",
    )
    return _said("error", *lines), True


def _called(name: str, wanted: Weights) -> str:
    return f"{TITLES[name].partition(':')[0]} ({wanted.size})"


def _lacking(name: str, wanted: Weights, why: str) -> str:
    return f"{_called(name, wanted)} is not on this machine, and cannot be fetched: {why}"


def _said(kind: str, *lines: str) -> str:
    shown = "".join(f"<p>{f'<code>{escape(line)}</code>' if line.startswith('curl ') else escape(line)}</p>" for line in lines)
    return f'<div class="ld"><div class="ld-message {kind}" role="status">{shown}</div></div>'


def encoder_of(asked: Asked, settings: PageSettings) -> tuple[str, str | None]:
    """Name and weights of the encoder that is asked for, as ``load_encoder`` takes them.

    Raises:
        EncoderError: its weights are not here, and cannot be fetched.
    """
    named = asked.weights.strip() if asked.encoder != DEMO else ""
    if named:
        return (named, None) if Path(named).expanduser().is_dir() else (asked.encoder, str(Path(named).expanduser()))
    pretrained = settings.pretrained if asked.encoder == settings.encoder else None
    wanted = of_preset(asked.encoder) if pretrained is None else None
    if wanted is None or wanted.here is not None:
        return asked.encoder, pretrained
    if not settings.loopback:
        raise EncoderError(NOT_HERE)
    if why := unreachable(wanted.url):  # before the library is imported, which takes longer than to see this
        told = f"{_lacking(asked.encoder, wanted, why)}. How to bring it here, and the field for its file, stand above the options"
        raise EncoderError(told)
    return asked.encoder, pretrained


def refuse_strangers(encoder: Any, sides: Sequence[ImageSide]) -> None:
    """Say no to the demo's encoder where the first images of a side, spread over it, are no drawn scenes.

    Raises:
        InputError: they are none.
    """
    for side in sides:
        some = side.paths[:: max(1, len(side.paths) // LOOKED_AT)][:LOOKED_AT]
        if strangers(encoder.fingerprint, encoder.encode_images(some).vectors):
            raise InputError(
                f"the demo's encoder knows drawn scenes only, and the images of {side.name} are none: its names would mean nothing. Choose "
                "another encoder under Options, or tick there “The demo's encoder all the same”"
            )


_encoders: dict[tuple[str, str | None], Any] = {}
_loading = threading.Lock()


def loaded(name: str, pretrained: str | None) -> Any:
    """An encoder, loaded once."""
    with _loading:
        if (name, pretrained) not in _encoders:
            _encoders.clear()  # one at a time in memory
            _encoders[name, pretrained] = load_encoder(name, pretrained)
        return _encoders[name, pretrained]
