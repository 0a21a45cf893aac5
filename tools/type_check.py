"""Run mypy over the package as it is once installed, where `operators/` and `panels/` lie inside `fiftyone_plugin/`.

In the repository they lie beside it, where `from ..datasets import` would seem to leave the top-level package.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def main() -> int:
    """Lay the packages out as links in a scratch folder and run mypy there; its exit status."""
    with tempfile.TemporaryDirectory(prefix="latentdiff-types-") as scratch:
        plugin = Path(scratch, "fiftyone_plugin")
        plugin.mkdir()
        for part in (ROOT / "fiftyone_plugin").iterdir():
            if part.suffix == ".py" or (part / "__init__.py").is_file():
                (plugin / part.name).symlink_to(part)
        for name in ("operators", "panels"):
            (plugin / name).symlink_to(ROOT / name)
        Path(scratch, "latentdiff").symlink_to(ROOT / "latentdiff")
        command = [sys.executable, "-m", "mypy", "--config-file", ROOT / "pyproject.toml", "--cache-dir", ROOT / ".mypy_cache"]
        environment = {**os.environ, "MYPYPATH": scratch}
        return subprocess.run([*command, "-p", "latentdiff", "-p", "fiftyone_plugin"], cwd=scratch, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
