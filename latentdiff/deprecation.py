"""What was renamed and still works for one release: said once, in one form, where it is used."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])

GONE_IN = "0.3"
"""First version without what is deprecated now."""


def warn(old: str, new: str, *, above: int = 1) -> None:
    """Say that a name is deprecated, at the line that uses it.

    Args:
        old: the name as users write it.
        new: what to write in its place.
        above: frames between the caller of this function and the line that used the name, >= 1.
    """
    warnings.warn(f"{old} is deprecated and goes in latentdiff {GONE_IN}; use {new}", DeprecationWarning, stacklevel=above + 2)


def renamed(old: str, new: Callable[..., Any]) -> Callable[..., Any]:
    """A function under its old name, which warns when it is called."""

    @functools.wraps(new)
    def called(*args: Any, **options: Any) -> Any:
        warn(f"{old}()", f"{new.__name__}()")
        return new(*args, **options)

    called.__name__ = called.__qualname__ = old
    return called


def old_keywords(instead: dict[str, str], convert: Callable[[dict[str, Any], dict[str, Any]], None]) -> Callable[[F], F]:
    """A decorator: keywords that a function no longer has are taken for one release, with a warning, and turned into those it has.

    Args:
        instead: old keyword → what to write in its place.
        convert: gets the old keywords that were given and the options, and writes into the latter.

    Example:
        >>> @old_keywords({"width": "size="}, lambda old, options: options.update(size=old["width"]))
        ... def area(*, size): return size**2
    """

    def decorate(function: F) -> F:
        @functools.wraps(function)
        def called(*args: Any, **options: Any) -> Any:
            old = {name: options.pop(name) for name in instead if name in options}
            for name in old:
                warn(f"{function.__name__}({name}=)", instead[name])
            if old:
                convert(old, options)
            return function(*args, **options)

        return called  # type: ignore[return-value]

    return decorate
