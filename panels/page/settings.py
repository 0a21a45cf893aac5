"""What the Gradio page is started with, and what it will not start without."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from pathlib import Path

from latentdiff.errors import InputError
from latentdiff.inputs.archives import MOST_BYTES, MOST_IMAGES

SHORTEST_PASSWORD = 8
DEMO = "demo"
"""The encoder that comes with this package: it is always here."""


@dataclass(frozen=True)
class PageSettings:
    """Options of :func:`serve`.

    Raises:
        InputError: another address than loopback without a password, a short password, or roots that are no folders.
    """

    host: str = "127.0.0.1"
    """Address to listen on."""
    port: int = 0
    """Port; 0 takes a free one."""
    user: str = "latentdiff"
    """Name to log in with."""
    password: str | None = field(default=None, repr=False)
    """Password; needed off loopback."""
    encoder: str = "fast"
    """Encoder of images, as ``load_encoder`` takes it."""
    pretrained: str | None = None
    """Its weights."""
    sae: str | None = None
    """Folder of a sparse autoencoder of that encoder; None trains one on the images compared (the demo's encoder brings its own)."""
    llm_url: str = ""
    """OpenAI-compatible server that may be asked for captions and differences; on loopback others can be named on the page too."""
    llm_model: str = ""
    """Its model."""
    roots: tuple[Path, ...] | None = None
    """Folders that may be read; None: home and working folder on loopback, none elsewhere."""
    write: bool | None = None
    """Whether comparisons of datasets are stored in them; None: on loopback alone."""
    max_upload: int = 2_000_000_000
    """Bytes of the largest zip file."""
    max_unpacked: int = MOST_BYTES
    """Bytes that one zip file may unpack to."""
    max_images: int = MOST_IMAGES
    """Images in one zip file."""

    def __post_init__(self) -> None:
        if not self.loopback and not self.password:
            raise InputError(
                f"{self.host} can be reached by others: set a password (--password, --password-file or LATENTDIFF_PASSWORD), "
                "or listen on 127.0.0.1"
            )
        if self.password is not None and len(self.password) < SHORTEST_PASSWORD:
            raise InputError(f"the password has fewer than {SHORTEST_PASSWORD} characters; choose a longer one")
        if not 0 <= self.port <= 65535:
            raise InputError(f"a port is between 0 and 65535, not {self.port}")
        if bool(self.llm_url) != bool(self.llm_model):
            raise InputError("a language model needs both its server's address and its name (--llm-url, --llm-model)")
        if min(self.max_upload, self.max_unpacked, self.max_images) < 1:
            raise InputError("the limits of uploads must be at least 1")
        given = self.roots
        if given is None:
            given = (Path.home(), Path.cwd()) if self.loopback else ()
        resolved = tuple(dict.fromkeys(path.expanduser().resolve() for path in given))
        missing = [str(path) for path in resolved if not path.is_dir()]
        if missing and self.roots is not None:
            raise InputError(f"there is no folder {missing[0]}")
        object.__setattr__(self, "roots", tuple(path for path in resolved if path.is_dir()))

    @property
    def stores(self) -> bool:
        """Whether comparisons of datasets are stored in them."""
        return self.loopback if self.write is None else self.write

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach the page."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False
