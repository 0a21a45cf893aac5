"""What people know files by, where that is not their path."""

from __future__ import annotations

from typing import Any


class Named(str):
    """The path of a file that people know by another name, which reports and messages say."""

    shown: str

    def __new__(cls, path: str, shown: str) -> Named:
        self = super().__new__(cls, path)
        self.shown = shown
        return self


def shown(item: Any) -> str:
    """What people know an item of a side by: its path, its other name, or its id."""
    return str(getattr(item, "shown", item))
