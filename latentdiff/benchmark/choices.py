"""What was asked of an evaluation, checked before any work: hours of embedding are no place to find a missing file."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

from ..errors import InputError
from .suite import Options, Suite


def endpoint_parts(options: Options) -> tuple[str, str] | None:
    """Address and model of ``--endpoint URL,MODEL``; None where none was asked for.

    Raises:
        InputError: it is written otherwise, or its address is none.
    """
    from ..describe.server import checked_url

    if options.endpoint is None:
        return None
    url, _, model = options.endpoint.partition(",")
    if not model.strip():
        raise InputError(f"an endpoint is written as URL,MODEL such as http://localhost:8000/v1,my-model, not {options.endpoint!r}")
    return checked_url(url), model.strip()


def file_mark(path: Path | None) -> str | None:
    """A file by its name and content, wherever it lies: records of other captions or words are records of other settings."""
    if path is None or not path.is_file():
        return None if path is None else str(path)
    return f"{path.name} {hashlib.blake2b(path.read_bytes(), digest_size=8).hexdigest()}"


def refused(suite: Suite) -> list[str]:
    """What was passed, counts for a suite and cannot be used, one line each."""
    from ..describe.captions import read_captions
    from ..embed.words import read_phrases

    options, out = suite.options, []
    checks: dict[str, Callable[[], object]] = {
        "captions": lambda: options.captions is not None and read_captions(options.captions),
        "vocabulary": lambda: options.vocabulary is not None and read_phrases(options.vocabulary),
        "endpoint": lambda: endpoint_parts(options),
    }
    for name in sorted(checks.keys() & suite.uses()):
        try:
            checks[name]()
        except InputError as e:
            out.append(f"--{name}: {e}")
    return out
