"""A process that does what it is told to a dataset, and dies when it is told to; the laboratory's other half.

Run as a script it reads one order a line, forks for each, and reports how that ended: FiftyOne and torch are imported only once.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import os
import resource
import signal
import sys
import threading
import time
import traceback
from pathlib import Path
from typing import Any

import numpy as np

from tests.planted import WIDTH, WORDS, state, vectors

RUN = "seasons"
LABELS = "objects.detections"


class Trigger:
    """Kills a process when this one's n-th command to the database starts or has succeeded; or halts until it may go on."""

    def __init__(self, n: int, after: bool, victim: int, halt: str | None, sent: int) -> None:
        self.n, self.after, self.victim, self.halt, self.sent, self.count, self.armed = n, after, victim, halt, sent, 0, False
        self.names: list[str] = []
        self.heard: str | None = None
        """File for what the database is sent."""

    def seen(self, name: str, after: bool) -> None:
        if not self.armed or name in ("hello", "ismaster", "ping", "endSessions") or threading.current_thread().name == "latentdiff-lease":
            return
        if not after:
            self.count += 1
            self.names.append(name)
        if self.count == self.n and after == self.after:
            self.n = -1
            if self.halt is None:
                os.kill(self.victim, self.sent)
                return
            Path(f"{self.halt}.halted").touch()
            while not Path(f"{self.halt}.go").exists():
                time.sleep(0.002)


def connect(trigger: Trigger, database: str) -> None:
    """A connection of this process's own to the database at that address: those of before the fork are not to be used."""
    import bson
    import fiftyone as fo
    import mongoengine
    from fiftyone.core.odm import database as odm
    from pymongo import monitoring

    class Listener(monitoring.CommandListener):
        def started(self, event: Any) -> None:
            if trigger.heard and trigger.armed:
                with open(trigger.heard, "ab") as file:
                    file.write(bson.encode(event.command))
            collection = str(event.command.get(event.command_name)).split(".")[0]
            trigger.seen(f"{event.command_name} {collection}" if event.command_name in ("insert", "update") else event.command_name, False)

        def succeeded(self, event: Any) -> None:
            trigger.seen(event.command_name, True)

        def failed(self, event: Any) -> None:
            pass

    monitoring.register(Listener())
    odm._client, fo.config.database_uri = None, database
    mongoengine.disconnect_all()
    odm.establish_db_conn(fo.config)


def options() -> dict[str, Any]:
    """The planted comparison: one word is shown by most of A and little of B."""
    import latentdiff

    eye, zeros = np.eye(WIDTH, dtype=np.float32), np.zeros(WIDTH, np.float32)
    sae = latentdiff.SparseAutoencoder(eye, zeros, eye, zeros, np.full(WIDTH, 0.5, np.float32))
    return {"vocabulary": latentdiff.Vocabulary(WORDS, eye), "sae": sae}


def make(name: str, kind: str, files: list[str] | None = None) -> None:
    """A dataset with saved views "summer" and "winter", a user's own field, tags and info."""
    import fiftyone as fo

    dataset = fo.Dataset(name, persistent=True)
    if files:
        given = vectors(len(files) // 2, 2 / 3, 1), vectors(len(files) // 2, 0.05, 2)
        dataset.add_sample_field("given", fo.VectorField)
        samples = [fo.Sample(filepath=path, tags=["ab"[i % 2]], mine=i, given=given[i % 2][i // 2]) for i, path in enumerate(files)]
        dataset.add_samples(samples, progress=False)
    elif kind == "patches":
        shown = {"cat": vectors(60, 2 / 3, 1), "car": vectors(80, 0.05, 2)}
        for i in range(20):
            boxes = [fo.Detection(label=k, bounding_box=[0, 0, 0.5, 0.5], clip=row) for k in shown for row in shown[k][i::20]]
            dataset.add_sample(fo.Sample(filepath=f"/nowhere/{i}.jpg", objects=fo.Detections(detections=boxes), mine=i))
        for view, label in (("summer", "cat"), ("winter", "car")):
            dataset.save_view(view, dataset.filter_labels("objects", fo.ViewField("label") == label).to_patches("objects"))
    else:
        rows = [("a", row) for row in vectors(60, 2 / 3, 1)] + [("b", row) for row in vectors(80, 1 / 20, 2)]
        samples = [fo.Sample(filepath=f"/nowhere/{i}.jpg", tags=[side], mine=i) for i, (side, _) in enumerate(rows)]
        ids = dataset.add_samples(samples, progress=False)
        dataset.add_sample_field("clip", fo.VectorField)
        dataset.set_values("clip", dict(zip(ids, [row for _, row in rows], strict=True)), key_field="id")
    if kind != "patches":
        dataset.save_view("summer", dataset.match_tags("a"))
        dataset.save_view("winter", dataset.match_tags("b"))
    dataset.info["mine"] = {"kept": True}
    dataset.tags = ["mine"]
    dataset.save()


def clock() -> list[float]:
    return [time.time(), time.time()]


def compare(
    name: str, kind: str, overwrite: bool = False, flip: bool = False, run: str = RUN, field: str = "clip", memory: int | None = None
) -> None:
    """Compare; with ``memory``, in so many bytes beyond what the process has mapped by now."""
    import fiftyone as fo

    from fiftyone_plugin import compare_views

    a, b = ("winter", "summer") if flip else ("summer", "winter")
    second = fo.load_dataset(f"{name}-there").load_saved_view(b) if kind == "two" else b
    field = f"{LABELS}.clip" if kind == "patches" else field
    dataset, given = name if memory is None else fo.load_dataset(name), options()
    if memory is not None:
        mapped = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (mapped + memory, resource.RLIM_INFINITY))
    try:
        compare_views(dataset, a, second, embeddings=field, run=run, overwrite=overwrite, **given)
    finally:
        if memory is not None:
            resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


def embed(name: str, model: str, overwrite: bool = False, chunk: int = 8, limit: int | None = None) -> None:
    import fiftyone as fo

    from fiftyone_plugin import compute_embeddings, embedding

    embedding.CHUNK = chunk  # many writes for few images
    given = fo.load_dataset(name).limit(limit) if limit else name
    compute_embeddings(given, model, "clip", batch_size=chunk, workers=1, overwrite=overwrite)


def bare(name: str) -> None:
    """Compare by the encoder's vectors, without words: their width is its own."""
    import fiftyone as fo

    from fiftyone_plugin import compare_views

    compare_views(fo.load_dataset(name), "summer", "winter", embeddings="clip", run=RUN)


def closed(name: str, events: int) -> list[str]:
    """A comparison in the App whose window is closed after some events; what was seen until then."""
    from fiftyone_plugin.running import live

    def run(progress: Any) -> None:
        import fiftyone as fo

        from fiftyone_plugin import compare_views

        def report(fraction: float, label: str) -> None:
            progress(fraction, f"{label} {fraction}")  # every one is an event

        compare_views(fo.load_dataset(name), "summer", "winter", embeddings="clip", run=RUN, progress=report, **options())

    seen: list[str] = []
    steps = live(run)
    for _, label in steps:
        seen.append(label)
        if len(seen) >= events:
            break
    steps.close()
    return [*seen, *(thread.name for thread in threading.enumerate() if thread.name.startswith("latentdiff"))]


def delegate(name: str) -> None:
    """Order vectors in the background, as the App does."""
    import fiftyone as fo
    import fiftyone.operators as foo

    context = {"dataset": fo.load_dataset(name), "params": {"encoder": "demo", "field": "clip", "batch_size": 4}}
    foo.execute_operator("@latentdiff/latentdiff/compute_embeddings", context, request_delegation=True)


def carry_out(name: str) -> str:
    """What is ordered, as a worker does that FiftyOne does not monitor; how it ended."""
    from fiftyone.operators.delegated import DelegatedOperationService

    from fiftyone_plugin import embedding

    embedding.CHUNK = 4
    service = DelegatedOperationService()
    service.execute_queued_operations(dataset_name=name)
    (operation,) = service.list_operations(dataset_name=name)
    return str(operation.run_state)


def cancel(name: str) -> None:
    """What ``fiftyone delegated fail`` does."""
    from fiftyone.operators.delegated import DelegatedOperationService

    service = DelegatedOperationService()
    (operation,) = service.list_operations(dataset_name=name)
    service.set_failed(operation.id)


def train(name: str, temporary: str) -> None:
    """Train with that folder as the one for temporary files."""
    import tempfile

    import fiftyone as fo

    from fiftyone_plugin import train_sae

    tempfile.tempdir = temporary
    train_sae(fo.load_dataset(name), "clip", steps=10)


def as_nobody(folder: str, what: str) -> str:
    """Write into a folder as a user who may only read it; what that user is told."""
    import latentdiff
    from latentdiff.embed.vectors import VectorStore
    from latentdiff.report import write_report

    comparison = latentdiff.Comparison.load(f"{folder}/given")
    write_report(comparison, f"{folder}/given/report.json", names=("a", "b"))  # whatever it imports, it can no longer afterwards
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
    if what == "comparison":
        comparison.save(f"{folder}/saved")
    elif what == "vectors":
        VectorStore(f"{folder}/saved", fingerprint={"library": "test"}, width=4)
    else:
        write_report(comparison, f"{folder}/report.json", names=("a", "b"))
    return "written"


def threads(name: str, runs: list[str]) -> None:
    """One comparison a thread, as an App's server makes them."""
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(len(runs)) as pool:
        list(pool.map(lambda run: compare(name, "plain", run=run), runs))


def change(name: str, what: str) -> None:
    """What a user does to a dataset meanwhile."""
    import fiftyone as fo

    dataset = fo.load_dataset(name)
    if what == "rename the view":
        dataset.update_saved_view_info("summer", {"name": "july"})
    elif what == "delete samples":
        dataset.delete_samples(dataset.match(fo.ViewField("mine") % 7 == 0).values("id"))
    elif what == "add samples":
        dataset.add_samples([fo.Sample(filepath=f"/new/{i}.jpg", tags=["a"], mine=1000 + i) for i in range(9)], progress=False)
    elif what == "add a field":
        dataset.add_sample_field("yours", fo.StringField)
    elif what == "rename the dataset":
        dataset.name = f"{name}-renamed"
    elif what == "delete the dataset":
        dataset.delete()
    elif what == "delete the vectors":
        dataset.delete_sample_field("clip")
    else:
        raise AssertionError(what)


def values(name: str) -> dict[str, Any]:
    """What stands with each sample, by the user's own number: log ratio and concepts, as stored, declared or not."""
    import fiftyone as fo

    from fiftyone_plugin import list_comparisons, load_comparison

    dataset = fo.load_dataset(name)
    runs = list_comparisons(dataset)
    found = {str(d["mine"]): {k: v for k, v in d.items() if k.startswith(RUN)} for d in dataset._sample_collection.find({})}
    opened = load_comparison(dataset, RUN) if RUN in runs else None
    told = repr(opened.candidates) if opened else None
    declared = sorted(path for path in dataset.get_field_schema() if path.startswith(RUN) or path == "yours")
    counts = opened.counts if opened else None
    return {"runs": list(runs), "samples": found, "told": told, "declared": declared, "counts": counts, "views": dataset.list_saved_views()}


def states(name: str) -> dict[str, str]:
    """Comparisons and their states, as whoever opens the dataset finds them."""
    import fiftyone as fo

    from fiftyone_plugin import list_comparisons

    return {str(run): run.state for run in list_comparisons(fo.load_dataset(name))}


def mend(name: str) -> None:
    from fiftyone_plugin import mend_comparison

    mend_comparison(name, RUN)


def unfinished(name: str, writer: dict[str, Any]) -> None:
    """Make of a comparison one that an earlier version is writing."""
    import fiftyone as fo
    import fiftyone.core.odm as foo

    changed = {"$set": {"config.state": "writing", "config.writer": writer}, "$unset": {"config.verdict": "", "config.lease": ""}}
    foo.get_db_conn().runs.update_one({"_dataset_id": fo.load_dataset(name)._doc.id}, changed)


def pretend(machine: dict[str, str], lease: float) -> None:
    """Be on another machine, boot or container, with leases of so many seconds."""
    from fiftyone_plugin.store import writers

    writers.LEASE, writers.RENEWED = lease, lease / 8
    if machine:
        writers._machine = lambda: machine


def recorded() -> list[str]:
    """States of all records of comparisons as they lie in the database; nothing is opened, and so nothing mended."""
    import fiftyone.core.odm as foo

    return [record["config"]["state"] for record in foo.get_db_conn().runs.find({"config.method": "latentdiff"})]


def leftovers() -> list[str]:
    """Collections of samples that belong to no dataset."""
    import fiftyone.core.odm as foo

    db = foo.get_db_conn()
    known = {document["sample_collection_name"] for document in db.datasets.find({}, {"sample_collection_name": 1})}
    return [name for name in db.list_collection_names() if name.startswith("samples.") and name not in known and "." not in name[8:]]


def vectors_of(name: str) -> list[list[float] | None]:
    """The stored vectors in the samples' order, None where there is none."""
    import fiftyone as fo

    dataset = fo.load_dataset(name)
    # Not len(dataset): a database that was killed no longer knows how many documents there are without counting them.
    stored = dataset.values("clip") if dataset.has_field("clip") else [None] * len(dataset.values("id"))
    return [None if row is None else np.asarray(row).tolist() for row in stored]


def strip(name: str) -> None:
    """Remove the vectors and all that was recorded of them."""
    import fiftyone as fo

    dataset = fo.load_dataset(name)
    for field in ("clip", "clip_error"):
        if dataset.has_field(field):
            dataset.delete_sample_field(field)
    dataset.info.pop("latentdiff_embeddings", None)
    dataset.save()


def delete(name: str, run: str = RUN) -> None:
    from fiftyone_plugin import delete_comparison

    delete_comparison(name, run)


def rename(name: str, new: str, run: str = RUN) -> None:
    from fiftyone_plugin import rename_comparison

    rename_comparison(name, run, new)


def inspect(*names: str) -> dict[str, Any]:
    """What is in datasets after they were opened: digests, and what no record leads to.

    ``own``: what is the user's own; ``whole``: everything; ``frame``: everything but the numbers of vectors.
    """
    import fiftyone as fo
    import fiftyone.core.odm as foo

    from fiftyone_plugin import list_comparisons, load_comparison

    runs: list[str] = []
    own: list[Any] = []
    whole: list[Any] = []
    frame: list[Any] = []
    db = foo.get_db_conn()
    for name in names:
        dataset = fo.load_dataset(name)
        listed = list_comparisons(dataset)
        opened = [load_comparison(dataset, run) for run in sorted(listed)]
        dataset = fo.load_dataset(name, reload=True)
        runs += listed
        now = state(dataset)
        now["views"] = {v.name: v.view_stages for v in dataset._doc.get_saved_views()}
        fields = {p: (f.description, (f.info or {}).get("latentdiff")) for p, f in dataset.get_field_schema(flat=True).items()}
        found = [(run.name, repr(run.candidates), run.comparison.log_ratio_a.tolist(), run.sides["A"].ids.tolist()) for run in opened]
        whole.append((now, sorted(fields.items(), key=str), found))
        own.append(_users(now))
        without = {i: {**document, "clip": document.get("clip") is not None} for i, document in now["documents"].items()}
        frame.append(({**now, "documents": without}, whole[-1][1:]))
    named = {record for document in db.datasets.find({}, {"runs": 1}) for record in (document.get("runs") or {}).values()}
    files = {document["results"] for document in db.runs.find({"_id": {"$in": list(named)}}, {"results": 1})}
    loose = db.runs.count_documents({"_id": {"$nin": list(named)}}) + db["fs.files"].count_documents({"_id": {"$nin": list(files)}})
    loose += db["fs.chunks"].count_documents({"files_id": {"$nin": list(files)}})
    return {"runs": sorted(runs), "own": _digest(own), "whole": _digest(whole), "frame": _digest(frame), "loose": loose}


def _users(now: dict[str, Any]) -> Any:
    """What is not ours: no run, none of its fields, no vectors that we made."""

    def ours(given: Any) -> bool:
        key = str(given)
        return key.endswith(("_log_ratio", "_concepts")) or key.rsplit(".", 1)[-1] in ("clip", "clip_error")

    def without(value: Any) -> Any:
        if isinstance(value, dict):
            return {k: without(v) for k, v in value.items() if not ours(k)}
        return [without(v) for v in value] if isinstance(value, list) else value

    info = {k: v for k, v in now["info"].items() if not k.startswith("latentdiff")}
    schema = {k: v for k, v in now["schema"].items() if not ours(k)}
    return without(now["documents"]), schema, now["views"], now["tags"], info


def _digest(value: Any) -> str:
    def plain(v: Any) -> Any:
        if isinstance(v, dict):
            # When a field was made is told by its encoder's record, and differs where vectors were made again.
            return sorted(((str(k), plain(x)) for k, x in v.items() if k != "created_at"), key=lambda item: item[0])
        if isinstance(v, (list, tuple)):
            return [plain(x) for x in v]
        if isinstance(v, np.ndarray):
            return v.tolist()
        return dict(v) if hasattr(v, "to_dict") else repr(v)

    return hashlib.blake2b(repr(plain(value)).encode(), digest_size=12).hexdigest()


def work(order: dict[str, Any], database: int) -> dict[str, Any]:
    """Do one order in this process: an action, with what is to be killed at which command."""
    kill = order.get("kill") or {}
    victim = database if kill.get("who") == "database" else os.getpid()
    sent = signal.SIGINT if kill.get("interrupt") else signal.SIGKILL
    trigger = Trigger(kill.get("command", -1), bool(kill.get("after")), victim, kill.get("halt"), sent)
    trigger.heard = order.get("heard")
    connect(trigger, order["address"])
    import fiftyone as fo

    for name in fo.list_datasets():
        fo.load_dataset(name)
    if order.get("pretend"):
        pretend(*order["pretend"])
    Path(order["ready"]).touch()
    while not all(Path(other).exists() for other in order.get("together", ())):
        time.sleep(0.0005)
    trigger.armed = True
    try:
        returned = globals()[order["action"]](*order["args"], **order.get("options", {}))
    except (Exception, KeyboardInterrupt) as e:
        return {"error": type(e).__name__, "message": str(e), "commands": trigger.names}
    return {"returned": returned, "commands": trigger.names}


def main() -> None:
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print is no answer
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job begins deaf to it
    ours = ("fiftyone_plugin.comparing", "fiftyone_plugin.embedding", "latentdiff.comparing.pipeline")
    for name in ("fiftyone", "torch", "scipy.cluster.hierarchy", *ours, *sys.argv[1:]):
        importlib.import_module(name)
    print("up", file=answers, flush=True)
    for line in sys.stdin:
        order = json.loads(line)
        if "wait" in order:
            pid, status = os.waitpid(order["wait"], 0)
            print(json.dumps({"status": status}), file=answers, flush=True)
            continue
        pid = os.fork()
        if pid == 0:
            try:
                with open(order["result"], "w") as answer:  # before the work, which may lose the right to
                    answer.write(json.dumps(work(order, order["database"])))
            except BaseException:
                traceback.print_exc()
            os._exit(0)
        if "seconds" in (order.get("kill") or {}):
            while not Path(order["ready"]).exists():
                time.sleep(0.001)
            time.sleep(order["kill"]["seconds"])
            sent = signal.SIGINT if order["kill"].get("interrupt") else signal.SIGKILL
            os.kill(order["database"] if order["kill"].get("who") == "database" else pid, sent)
        print(json.dumps({"pid": pid}), file=answers, flush=True)
    os._exit(0)  # FiftyOne's farewell to the database takes seconds


if __name__ == "__main__":
    main()
