"""The command line's parser: what was misspelt is answered by what is near it, and help ends with examples."""

from __future__ import annotations

import argparse
import difflib
import re
from collections.abc import Sequence
from typing import NoReturn

CHOICE = re.compile(r"invalid choice: '([^']*)' \(choose from (.*)\)")
UNKNOWN = "unrecognized arguments: "


class Parser(argparse.ArgumentParser):
    """One of the command or of a subcommand; options are written out in full."""

    def __init__(self, *, examples: Sequence[str] = (), **options: object) -> None:
        shown = "examples:\n" + "\n".join(f"  {line}" for line in examples) if examples else None
        given = {"epilog": shown, "formatter_class": argparse.RawDescriptionHelpFormatter, **options}
        super().__init__(**given)  # type: ignore[arg-type]

    def error(self, message: str) -> NoReturn:
        """Print the usage and what is wrong, with the nearest right word, and leave with status 2."""
        super().error(f"{message}{self._nearest(message)}")

    def parse(self, argv: Sequence[str] | None) -> argparse.Namespace:
        """The arguments; what is left over is the fault of the subcommand that was named, and has its usage."""
        found, rest = self.parse_known_args(argv)
        if rest:
            found.parser.error(UNKNOWN + " ".join(rest))
        return found

    def _nearest(self, message: str) -> str:
        wrong = CHOICE.search(message)
        if wrong:
            near = difflib.get_close_matches(wrong[1], re.findall(r"[\w.-]+", wrong[2]), 1)
        elif message.startswith(UNKNOWN):
            options = re.findall(r"--[a-z][a-z-]*", self.format_help())
            first = next((word for word in message.removeprefix(UNKNOWN).split() if word.startswith("--")), "")
            near = difflib.get_close_matches(first.partition("=")[0], options, 1)
        else:
            near = []
        return f". Did you mean {near[0]}?" if near else ""
