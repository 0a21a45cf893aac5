"""``latentdiff install-plugin``."""

from __future__ import annotations

import argparse


def install_plugin_arguments(parser: argparse.ArgumentParser) -> None:
    """There are none."""


def run_install_plugin(args: argparse.Namespace) -> int:
    """Link the plugin, and say where."""
    from fiftyone_plugin.install import install_plugin

    print(install_plugin())
    return 0
