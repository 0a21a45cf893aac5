"""FiftyOne panels: a stored comparison in, what is seen out."""

from __future__ import annotations

from typing import Any


def register(plugin: Any) -> None:
    """Register every panel of the plugin."""
    from .app.panel import LatentDiffPanel

    plugin.register(LatentDiffPanel)
