"""The database underneath FiftyOne: changes that survive its end, a dataset as it stands now, and what went wrong in words."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Sequence
from typing import Any

from latentdiff.errors import LatentDiffError, RunError

_refreshing = threading.RLock()


def journaled(name: str) -> Any:
    """A collection whose writes are on disk when they return.

    Without this a database that is killed loses up to 100 ms of writes which it had confirmed, and the writer would not know.
    """
    return whole().get_collection(name)


def whole() -> Any:
    """FiftyOne's database, with writes as :func:`journaled`."""
    import fiftyone.core.odm as foo
    from pymongo import WriteConcern

    db = foo.get_db_conn()
    return db.client.get_database(db.name, codec_options=db.codec_options, write_concern=WriteConcern(j=True))


def read() -> Any:
    """FiftyOne's database, to look something up."""
    import fiftyone.core.odm as foo

    return foo.get_db_conn()


def identity(dataset: Any) -> Any:
    """A dataset's id, which stays its own when its name goes to another."""
    return dataset._doc.id


def update_samples(dataset: Any, operations: Sequence[Any], ids: Sequence[Any]) -> None:
    """Write to samples in bulk, and refresh those of them that the caller holds in memory."""
    import fiftyone.core.odm as foo
    from fiftyone import Sample

    foo.bulk_write(list(operations), journaled(dataset._sample_collection_name))
    Sample._reload_docs(dataset._sample_collection_name, sample_ids=list(ids))


def require(dataset_id: Any, name: str) -> None:
    """Refuse to go on with a dataset that is gone.

    Raises:
        RunError: saying so.
    """
    if journaled("datasets").find_one({"_id": dataset_id}, {"_id": 1}) is None:
        raise RunError(f"dataset {name!r} was deleted meanwhile")


def refresh(dataset: Any) -> None:
    """Bring a dataset in memory up to what is stored, whatever it is called by now.

    Raises:
        RunError: it was deleted.
    """
    from fiftyone.core.dataset import DatasetNotFoundError

    with _refreshing:
        for last in (False, False, True):
            require(dataset._doc.id, dataset.name)
            dataset._doc.reload()  # by id: another dataset may have taken its former name
            try:
                dataset.reload()
                return
            except DatasetNotFoundError:  # renamed at this very moment
                if last:
                    raise


@contextlib.contextmanager
def explained(doing: str, *datasets: Any) -> Iterator[None]:
    """Turn what a lost database or a deleted dataset makes of ``doing`` into an error for people.

    Raises:
        RunError: in place of the database's errors, and of any error once one of the datasets is gone.
    """
    known = [(dataset.name, dataset._doc.id) for dataset in datasets]
    try:
        yield
    except LatentDiffError:
        raise
    except Exception as e:
        reason = _reason(e, known)
        if reason is None:
            raise
        raise RunError(f"{doing} stopped: {reason}") from e


def _reason(e: BaseException, known: list[tuple[str, Any]]) -> str | None:
    from fiftyone.core.service import ServiceListenTimeout  # FiftyOne's own database, which did not start
    from pymongo.errors import PyMongoError

    at: BaseException | None = e
    while at is not None and not isinstance(at, (PyMongoError, ServiceListenTimeout)):
        at = at.__cause__ or at.__context__
    if at is None:
        gone = [name for name, key in known if journaled("datasets").find_one({"_id": key}, {"_id": 1}) is None]
        return f"dataset {gone[0]!r} was deleted meanwhile" if gone else None
    said = str(at).split(", full error")[0].split(" (configured timeouts")[0][:300]
    return f"the database does not answer or refuses to write ({said}); see that it runs and has space, then do it again"
