"""What is printed cannot steer the terminal: names and phrases come from files, and an escape sequence in one could hide or forge lines."""

from __future__ import annotations

import contextlib
import re
import sys
from collections.abc import Container, Iterable, Iterator
from typing import Any

COLOUR = r"\x1b\[[0-9;]*m"
BAR = r"\r|\x1b\[(?:\?25[hl]|[0-9]*[AKGJm]|[0-9;]+m)"
"""What a progress bar needs beside colours: back to the start of the line or a line up, clear it, hide the cursor."""
CONTROL = r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069]"
"""All that is not drawn but obeyed, but for tab and line feed; halves of characters; and what reverses the order of a line."""

PIPED = 10_000
"""Columns of what is no terminal: no line there is broken or cut."""


def printable(text: str) -> str:
    """Text with everything that a terminal would obey in place of drawing it made visible."""
    return re.sub(CONTROL, "\N{REPLACEMENT CHARACTER}", text)


class Screened:
    """A stream whose writer may set colours, and nothing else that steers a terminal.

    Args:
        stream: where it goes.
        allowed: regular expression of what passes.
    """

    def __init__(self, stream: Any, allowed: str) -> None:
        self._stream = stream
        self._parts = re.compile(f"({allowed})|{CONTROL}")

    def write(self, text: str) -> int:
        """Write; the length is that of what was given."""
        self._stream.write(self._parts.sub(lambda found: found[1] or "\N{REPLACEMENT CHARACTER}", text))
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def console() -> Any:
    """Standard output for tables and text: as wide as the terminal, as wide as needed where it is piped.

    A reader that has seen enough (``head``) is a ``BrokenPipeError``: rich would leave with 1, which means "differ" here.
    """
    from rich.console import Console

    class Output(Console):
        def on_broken_pipe(self) -> None:
            raise BrokenPipeError

    out = Output()
    return out if out.is_terminal else Output(width=PIPED)


def table(headers: Iterable[str], right: Container[int], **options: Any) -> Any:
    """A rich table whose cells are folded rather than cut, and whose headers are plain text.

    Args:
        headers: of the columns.
        right: numbers of those that are aligned to the right.
        **options: of ``rich.table.Table``.
    """
    from rich.table import Table
    from rich.text import Text

    made = Table(**options)
    for i, header in enumerate(headers):
        made.add_column(Text(header), justify="right" if i in right else "left", overflow="fold")
    return made


@contextlib.contextmanager
def screened() -> Iterator[None]:
    """Within it, standard output and standard error are :class:`Screened`."""
    out, error = sys.stdout, sys.stderr
    with contextlib.redirect_stdout(Screened(out, COLOUR)), contextlib.redirect_stderr(Screened(error, BAR)):
        yield
