"""Packages that only some uses need: each belongs to an extra of ours, and whoever lacks one is told the command that brings it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec

from ..errors import MissingPackageError


@contextmanager
def needs(extra: str, what: str) -> Iterator[None]:
    """Import optional packages inside this, and nothing else.

        with needs("encoders", "an encoder"):
            import open_clip

    Args:
        extra: the extra of ``pyproject.toml`` that brings them.
        what: who needs them, as the subject of a sentence in lower case.

    Raises:
        MissingPackageError: one of them, or a package that one of them needs in turn, is not installed; says how to install it.
    """
    try:
        yield
    except ModuleNotFoundError as e:
        package = (e.name or "a package").partition(".")[0]
        raise MissingPackageError(
            f"{what} needs {package}, which is not installed: pip install 'latentdiff[{extra}]'", name=package, extra=extra
        ) from e


def require(extra: str, package: str, what: str) -> None:
    """As :func:`needs`, of one package that is not yet imported: only whether it is installed.

    Args:
        extra, what: as there.
        package: its top-level module.
    """
    with needs(extra, what):
        if find_spec(package) is None:
            raise ModuleNotFoundError(name=package)
