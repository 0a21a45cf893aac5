"""Files of a hub repository: in our own folder, in the hub's cache, or downloaded."""

from __future__ import annotations

import fnmatch
from pathlib import Path

from ..compute.cache import cache_folder
from ..compute.extras import needs
from ..errors import CheckpointError, MissingPackageError
from .formats.known import CONFIGS, PREFERRED, STATISTICS, WEIGHTS


def copy_of(name: str) -> Path:
    """The folder in which a published SAE is looked for before the hub is asked."""
    return cache_folder() / "sae" / name.replace(":", "/")


def fetch(repository: str, patterns: tuple[str, ...], name: str) -> Path:
    """A local folder or file with one SAE of a repository.

    Args:
        repository: hub id ``owner/name``.
        patterns: which file, the preferred pattern first; a folder in the repository, or "" for its root, is taken as all weights in it.
        name: what the user asked for; a folder of that name in the cache folder is used where it exists.

    Raises:
        CheckpointError: the hub cannot be reached, or has no such file or several; says what to fetch and where to put it.
    """
    own = copy_of(name)
    if own.is_dir():
        return own
    try:
        return _download(repository, patterns)
    except (CheckpointError, MissingPackageError):
        raise
    except Exception as e:
        wanted = patterns[0] or "the weights"
        raise CheckpointError(
            f"{name!r} could not be fetched from the model hub ({repository}): {type(e).__name__}: {str(e)[:200]}. Without the hub, fetch "
            f"{wanted} and the config.json beside or above it elsewhere, and put both into {own}, or give the folder's path"
        ) from e


def _download(repository: str, patterns: tuple[str, ...]) -> Path:
    with needs("encoders", "fetching from the model hub"):
        from huggingface_hub import HfApi, hf_hub_download

    files = HfApi().list_repo_files(repository)
    chosen = choose(files, patterns, repository)
    folder = chosen.rpartition("/")[0]
    above = folder.rpartition("/")[0] if folder.endswith("checkpoints") else folder
    revision = None
    for config in CONFIGS:
        place = f"{above}/{config}" if above else config
        if place in files:
            revision = revision_of(Path(hf_hub_download(repository, place, revision=revision)))
    return Path(hf_hub_download(repository, chosen, revision=revision))  # not what was pushed meanwhile


def revision_of(path: Path) -> str | None:
    """The commit of a repository that a file of the hub's cache is from; None for any other file."""
    parts = path.parts
    at = next((i for i, part in enumerate(parts[:-1]) if part == "snapshots" and i and parts[i - 1].startswith("models--")), None)
    return None if at is None else parts[at + 1]


def choose(files: list[str], patterns: tuple[str, ...], repository: str) -> str:
    """The file that the first matching pattern names.

    Raises:
        CheckpointError: nothing matches, or the pattern matches several; lists candidates.
    """
    weights = [f for f in files if f.endswith(WEIGHTS) and not f.endswith(STATISTICS)]
    for pattern in patterns:
        place = repr(pattern) if pattern else "its root"
        inside = f"{pattern}/*" if pattern else "*"
        found = sorted(
            f for f in weights if fnmatch.fnmatchcase(f, pattern) or (fnmatch.fnmatchcase(f, inside) and not _deeper(f, pattern))
        )
        finished = [f for f in found if f.rpartition("/")[2] in PREFERRED]
        if len(found) == 1 or len(finished) == 1:
            return (finished or found)[0]
        if found:
            few = ", ".join(found[:10])
            raise CheckpointError(f"{repository} has {len(found)} files for {place}: {few}; name one of them")
    place = repr(patterns[0]) if patterns[0] else "its root"
    raise CheckpointError(f"{repository} has no file for {place}; it has {', '.join(weights[:10]) or 'no weights'}")


def _deeper(file: str, folder: str) -> bool:
    """Whether a file lies in a folder below the given one."""
    return file.count("/") > (folder.count("/") + 1 if folder else 0)
