"""``latentdiff noisy-diff``: eligible attributes, pairs with their counts, and one pair as two views or as a file."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..benchmark import noisy_diff
from ..benchmark.imagenet_files import check_group, groups_of_files
from ..benchmark.suite import Table
from ..compute.cache import write_atomic
from ..errors import InputError

if TYPE_CHECKING:
    import fiftyone as fo

GROUP = "wordnet_group"
"""String field with the group of each of ImageNet's images."""
ZOO: dict[str, tuple[str, str, dict[str, Any]]] = {
    "coco": ("coco-2017", "ground_truth", {"label_types": ["detections"]}),
    "imagenet": ("imagenet-2012", "ground_truth", {}),
}
"""Name → zoo dataset, label field, and how it is loaded."""


def noisy_diff_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``latentdiff noisy-diff``."""
    source = "coco or imagenet (FiftyOne's zoo), a FiftyOne dataset, a COCO instances .json, or a folder of ImageNet's synsets"
    parser.add_argument("source", metavar="SOURCE", help=source)
    parser.add_argument("--field", metavar="NAME", help="labels of a FiftyOne dataset: detections, classifications or lists of words")
    parser.add_argument("--split", default="train", help="split of the zoo dataset (default: %(default)s)")
    parser.add_argument("--source-dir", type=Path, metavar="FOLDER", help="folder of ImageNet's archives, for the zoo's imagenet")
    parser.add_argument("--parent", metavar="LABEL", help="label that all images share; alone: list its eligible pairs")
    parser.add_argument("--a", metavar="LABEL", help="attribute of view A (of ImageNet folders: group that only half A keeps)")
    parser.add_argument("--b", metavar="LABEL", help="attribute of view B")
    parser.add_argument("--minimum", type=int, default=noisy_diff.MINIMUM, help="images that show an attribute (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="the same seed gives the same pair (default: %(default)s)")
    parser.add_argument("--name", metavar="NAME", help="name of the pair in a dataset (default: made of the labels)")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the pair of a file or folder as JSON")
    parser.add_argument("--overwrite", action="store_true", help="replace a pair of that name, or the file")


def run_noisy_diff(args: argparse.Namespace) -> int:
    """Run ``latentdiff noisy-diff``."""
    if (args.a is None) != (args.b is None):
        raise InputError("a pair needs both attributes: --a LABEL --b LABEL")
    path = Path(args.source).expanduser()
    if path.is_dir():
        return _imagenet_folder(args, path)
    if path.suffix == ".json":
        from ..benchmark.suites.coco import read_instances

        if not path.is_file():
            raise InputError(f"there is no file {path}")
        found = read_instances(path)
        return _labels(args, list(found), list(found.values()))
    return _dataset(args)


def _labels(args: argparse.Namespace, names: Sequence[str], labels: noisy_diff.Labels) -> int:
    if args.a is None:
        _list(args, labels)
        return 0
    if args.parent is None:
        raise InputError("a pair needs a parent too: --parent LABEL")
    _write(args, noisy_diff.build(labels, args.parent, args.a, args.b, args.seed), names)
    return 0


def _dataset(args: argparse.Namespace) -> int:
    import fiftyone_plugin
    from fiftyone_plugin.noisy_diff import read_labels
    from fiftyone_plugin.store.runs import as_dataset

    if args.source == "imagenet" and args.a is not None:
        for name in (args.a, args.b):  # before 144 GB are unpacked
            check_group(name)
    dataset, field = _zoo(args) if args.source in ZOO else (as_dataset(args.source), args.field)
    if field is None:
        raise InputError("name the dataset's labels: --field NAME")
    if args.a is None:
        _list(args, read_labels(dataset, field)[1])
        return 0
    if args.parent is None and field != GROUP:
        raise InputError("a pair needs a parent too: --parent LABEL")
    chosen: dict[str, Any] = {"name": args.name, "seed": args.seed, "minimum": args.minimum, "overwrite": args.overwrite}
    made = fiftyone_plugin.build_noisy_diff(dataset, field, args.parent, args.a, args.b, **chosen)
    print(f"saved the views {made.view_a} ({len(made.planted_a)} with {args.a}) and {made.view_b} ({len(made.planted_b)} with {args.b})")
    views = f"{dataset.name}:{made.view_a} {dataset.name}:{made.view_b}"
    print(f"in {dataset.name}; compare them: latentdiff compare {views} --embeddings FIELD")
    return 0


def _zoo(args: argparse.Namespace) -> tuple[fo.Dataset, str]:
    """A zoo dataset, downloaded when first used, and its label field."""
    import fiftyone.zoo as foz

    name, field, given = ZOO[args.source]
    options: dict[str, Any] = dict(given)
    if args.source_dir is not None:
        options["source_dir"] = str(args.source_dir)
    try:
        dataset = foz.load_zoo_dataset(name, split="validation" if args.split == "val" else args.split, **options)
    except Exception as e:
        what = (
            "fetch annotations_trainval2017.zip from cocodataset.org and name its instances_train2017.json in place of coco"
            if args.source == "coco"
            else "fetch ILSVRC2012_img_train.tar and ILSVRC2012_devkit_t12.tar.gz from image-net.org, name their folder with --source-dir"
        )
        raise InputError(f"FiftyOne's zoo could not load {name} ({type(e).__name__}: {str(e)[:200]}); {what}") from e
    return dataset, args.field or (field if args.source == "coco" else _grouped(dataset))


def _grouped(dataset: Any) -> str:
    """Write the group of every image, which its folder or its label tells, and return the field's name."""
    if not dataset.has_field(GROUP):
        files, field = dataset.values("filepath"), ZOO["imagenet"][1]
        groups = groups_of_files(files, dataset.values(f"{field}.label") if dataset.has_field(field) else [None] * len(files))
        lost = groups.count(None)
        if lost == len(groups):
            raise InputError(f"no image of {dataset.name} has a class of ImageNet in the field {field}")
        if lost:
            print(f"{lost} images have no class of ImageNet, or one of two of the same name; they are in no group", file=sys.stderr)
        dataset.set_values(GROUP, groups)
    return GROUP


def _imagenet_folder(args: argparse.Namespace, root: Path) -> int:
    """Halves of a folder of synsets, without one group each."""
    from ..benchmark.suite import Options
    from ..benchmark.suites.imagenet import NoisyDiffImageNet
    from .evaluate import show_table

    suite = NoisyDiffImageNet(Options(data=root, seed=args.seed))
    missing = suite.missing()
    if missing:
        raise InputError(f"{root} holds no folders named as ImageNet's classes. {missing[0]}")
    if args.a is None:
        for table in suite.about():
            show_table(table)
        return 0
    files, groups = suite.files
    _write(args, noisy_diff.build_halves(groups, args.a, args.b, args.seed), files)
    return 0


def _list(args: argparse.Namespace, labels: noisy_diff.Labels) -> None:
    """Counts beside the paper's; or the eligible pairs of one parent."""
    from ..benchmark.suites.coco import attribute_counts
    from .evaluate import show_table

    if args.parent is not None:
        pairs = noisy_diff.count_pairs(labels, args.parent, args.minimum)
        rows = tuple((p.attribute_a, p.attribute_b, p.mix_a, p.mix_b, p.both, p.plain, p.mass_a, p.mass_b) for p in pairs)
        header = ("A", "B", "with A", "with B", "with both (dropped)", "plain", "mass A", "mass B")
        show_table(Table(f"{len(pairs)} pairs of {args.parent}", header, rows))
        return
    if set(noisy_diff.PAPER_ATTRIBUTES) & set(noisy_diff.parents(labels, 1)):
        show_table(attribute_counts(labels, args.minimum))
    parents = tuple((name, n, len(noisy_diff.eligible(labels, name, args.minimum))) for name, n in noisy_diff.parents(labels).items())
    note = f"Parents with {noisy_diff.MINIMUM_PARENT:,} images or more, as in the paper. List a parent's pairs: --parent LABEL."
    show_table(Table("Parents", ("parent", "images", "eligible attributes"), parents, note))


def _write(args: argparse.Namespace, pair: noisy_diff.NoisyPair, names: Sequence[str]) -> None:
    """The pair as names of files, with the truth."""
    if args.out is None:
        raise InputError("say where to write the pair: --out FILE")
    if args.out.exists() and not args.overwrite:
        raise InputError(f"{args.out} exists already; pass --overwrite or another file")
    body = {"parent": pair.parent, "a": pair.attribute_a, "b": pair.attribute_b, "seed": args.seed, "dropped": pair.dropped}
    body |= {"mass_a": pair.mass_a, "mass_b": pair.mass_b}
    rows = {"images_a": pair.rows_a, "images_b": pair.rows_b, "planted_a": pair.planted_a, "planted_b": pair.planted_b}
    lists = {name: [names[i] for i in own] for name, own in rows.items()}
    write_atomic(args.out, json.dumps({**body, **lists}, indent=1).encode())
    print(f"{len(pair.rows_a):,} images of A, {len(pair.planted_a):,} with {pair.attribute_a}; "
          f"{len(pair.rows_b):,} of B, {len(pair.planted_b):,} with {pair.attribute_b}; written to {args.out}")
