"""Views of datasets. The library opens no dataset itself: an installed package names what does, as the FiftyOne plugin beside it."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import entry_points
from typing import Any

from ..compute.extras import needs
from ..errors import MissingPackageError

GROUP = "latentdiff.views"
"""Entry points: ``compare(request, progress)`` gives a stored run, ``open(request, progress)`` an ``Opened``."""


def of_datasets(task: str) -> Callable[..., Any]:
    """What compares views ("compare") or reads them ("open").

    Raises:
        MissingPackageError: nothing that is installed does.
    """
    for point in entry_points(group=GROUP, name=task):
        with needs("fiftyone", "a view of a dataset"):
            loaded: Callable[..., Any] = point.load()
            return loaded
    raise MissingPackageError(
        "views of a dataset need the FiftyOne plugin, and no installed package offers it: pip install 'latentdiff[fiftyone]'",
        name="fiftyone_plugin",
        extra="fiftyone",
    )
