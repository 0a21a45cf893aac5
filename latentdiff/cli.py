"""The ``latentdiff`` command: one function per subcommand, listed in ``COMMANDS``."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from . import __version__
from .errors import Cancelled, LatentDiffError

DIFFERS, FAILED, INTERRUPTED = 1, 2, 130


@dataclass(frozen=True)
class Command:
    """One subcommand."""

    name: str
    help: str
    arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        argv: arguments; None takes the process's.

    Returns:
        Exit status: 0; 1 where the sides differ and ``--exit-code`` was given; 2 for errors; 130 for Ctrl-C.
    """
    try:
        args = _parser().parse_args(argv)
    except SystemExit as e:
        return int(e.code or 0)
    try:
        return args.command.run(args)
    except Cancelled as e:
        print(f"latentdiff: {e}", file=sys.stderr)
        return INTERRUPTED
    except LatentDiffError as e:
        print(f"latentdiff: {e}", file=sys.stderr)
        return FAILED
    except BrokenPipeError:
        # The reader (head, less) has seen enough; keep Python from complaining once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as e:
        print(f"latentdiff: {e.strerror or e}: {e.filename or ''}".rstrip(": "), file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        print("latentdiff: interrupted; nothing was written", file=sys.stderr)
        return INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="latentdiff", description="How do these two sets of images differ?")
    parser.add_argument("--version", action="version", version=f"latentdiff {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in COMMANDS:
        sub = commands.add_parser(command.name, help=command.help, description=command.help)
        command.arguments(sub)
        sub.set_defaults(command=command)
    return parser


def _compare_arguments(parser: argparse.ArgumentParser) -> None:
    side = "dataset:saved_view, a .npy file of vectors (n, d), Parquet of vectors (file, folder, URI), or a folder of images"
    parser.add_argument("a", metavar="A", help=f"{side}; alone: a .csv with the columns path and group_name")
    parser.add_argument("b", metavar="B", nargs="?", help=side)
    parser.add_argument("--embeddings", metavar="FIELD", help="vector field of the datasets (needed for dataset:view)")
    parser.add_argument(
        "--encoder", metavar="NAME", help="encoder of image folders and of --vocabulary without vectors, as load_encoder takes it"
    )
    parser.add_argument("--pretrained", metavar="TAG", help="weights of the encoder: a pretrained tag or a checkpoint file")
    parser.add_argument(
        "--vocabulary", metavar="FILE", help="words: .npz with words and vectors, or a text file, one word or phrase a line"
    )
    parser.add_argument("--vocabulary-vectors", metavar="FILE", help=".npy (v, d) of the text file's words")
    parser.add_argument("--sae", metavar="SAE", help="a saved or published sparse autoencoder, or a name (pach); default: train one")
    from .cli_methods import method_arguments

    method_arguments(parser)
    parser.add_argument("--run", metavar="NAME", help="name under which datasets store it (default: made of the views' names)")
    parser.add_argument("--save", metavar="FOLDER", help="also save the comparison as files")
    parser.add_argument("--report", metavar="FILE", help="also write a report: .html (with thumbnails), .md, .csv or .json")
    parser.add_argument("--alpha", type=float, default=0.05, help="level of false alarms (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="the same seed gives the same result (default: %(default)s)")
    parser.add_argument("--overwrite", action="store_true", help="replace a stored comparison of that name, or the files in --save")
    parser.add_argument("--skip-bad", action="store_true", help="drop images with NaN or infinite vectors, and count them")
    parser.add_argument("--exit-code", action="store_true", help="exit with 1 when the sides differ, 0 when not")
    from .cli_describe import describe_arguments
    from .cli_scale import engine_arguments

    describe_arguments(parser)
    engine_arguments(parser, exchange=True)
    _output_arguments(parser)


def _output_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--top", type=_positive, default=5, metavar="K", help="differences listed per side (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print JSON on standard output, for machines")


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1, not {value}")
    return value


def _compare(args: argparse.Namespace) -> int:
    from .cli_compare import compare_sides
    from .cli_output import progress_bar, show

    with progress_bar() as progress:
        outcome = compare_sides(args, progress)
    show(outcome, args)
    return DIFFERS if args.exit_code and outcome.comparison.differs else 0


def _show_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("dataset", metavar="DATASET", help="a FiftyOne dataset, or a folder that --save wrote")
    parser.add_argument("run", metavar="RUN", nargs="?", help="name of the comparison (needed for a dataset)")
    _output_arguments(parser)


def _show(args: argparse.Namespace) -> int:
    from .cli_compare import open_comparison
    from .cli_output import show

    show(open_comparison(args.dataset, args.run), args)
    return 0


def _ask_arguments(parser: argparse.ArgumentParser) -> None:
    from .cli_ask import ask_arguments

    ask_arguments(parser)


def _ask(args: argparse.Namespace) -> int:
    from .cli_ask import run_ask

    return run_ask(args)


def _runs_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("dataset", metavar="DATASET", help="a FiftyOne dataset")
    parser.add_argument("--json", action="store_true", help="print JSON on standard output, for machines")


def _runs(args: argparse.Namespace) -> int:
    from .cli_output import show_runs

    show_runs(_sdk().list_comparisons(args.dataset), as_json=args.json)
    return 0


def _delete_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("dataset", metavar="DATASET", help="a FiftyOne dataset")
    parser.add_argument("run", metavar="RUN", help="name of the comparison")


def _delete(args: argparse.Namespace) -> int:
    _sdk().delete_comparison(args.dataset, args.run)
    print(f"deleted {args.run} from {args.dataset}")
    return 0


def _nothing(parser: argparse.ArgumentParser) -> None:
    """A command without arguments."""


def _install_plugin(args: argparse.Namespace) -> int:
    from fiftyone_plugin.install import install_plugin

    print(install_plugin())
    return 0


def _demo_arguments(parser: argparse.ArgumentParser) -> None:
    from .cli_demo import demo_arguments

    demo_arguments(parser)


def _demo(args: argparse.Namespace) -> int:
    from .cli_demo import run_demo

    return run_demo(args)


def _report_arguments(parser: argparse.ArgumentParser) -> None:
    from .cli_report import report_arguments

    report_arguments(parser)


def _report(args: argparse.Namespace) -> int:
    from .cli_report import run_report

    return run_report(args)


def _ui_arguments(parser: argparse.ArgumentParser) -> None:
    from .cli_ui import ui_arguments

    ui_arguments(parser)


def _ui(args: argparse.Namespace) -> int:
    from .cli_ui import run_ui

    return run_ui(args)


def _noisy_diff_arguments(parser: argparse.ArgumentParser) -> None:
    from .cli_noisy_diff import noisy_diff_arguments

    noisy_diff_arguments(parser)


def _noisy_diff(args: argparse.Namespace) -> int:
    from .cli_noisy_diff import run_noisy_diff

    return run_noisy_diff(args)


def _evaluate_arguments(parser: argparse.ArgumentParser) -> None:
    from .cli_evaluate import evaluate_arguments

    evaluate_arguments(parser)


def _evaluate(args: argparse.Namespace) -> int:
    from .cli_evaluate import run_evaluate

    return run_evaluate(args)


def _concepts_arguments(parser: argparse.ArgumentParser) -> None:
    from .cli_concepts import concepts_arguments

    concepts_arguments(parser)


def _concepts(args: argparse.Namespace) -> int:
    from .cli_concepts import run_concepts

    return run_concepts(args)


def _train_arguments(parser: argparse.ArgumentParser) -> None:
    from .cli_train import train_arguments

    train_arguments(parser)


def _train(args: argparse.Namespace) -> int:
    from .cli_train import run_train

    return run_train(args)


def _embed_arguments(parser: argparse.ArgumentParser) -> None:
    from .cli_scale import embed_arguments

    embed_arguments(parser)


def _embed(args: argparse.Namespace) -> int:
    from .cli_scale import run_embed

    return run_embed(args)


def _plan_arguments(parser: argparse.ArgumentParser) -> None:
    from .cli_plan import plan_arguments

    plan_arguments(parser)


def _plan(args: argparse.Namespace) -> int:
    from .cli_plan import run_plan

    return run_plan(args)


def _sdk() -> Any:
    import fiftyone_plugin

    return fiftyone_plugin


def _sae_arguments(parser: argparse.ArgumentParser) -> None:
    from .cli_sae import sae_arguments

    sae_arguments(parser)


def _sae(args: argparse.Namespace) -> int:
    from .cli_sae import run_sae

    return run_sae(args)


COMMANDS = (
    Command("compare", "Compare two sets of images.", _compare_arguments, _compare),
    Command("embed", "Turn images into Parquet shards of vectors.", _embed_arguments, _embed),
    Command("plan", "Say what a comparison will take: time, memory and disk.", _plan_arguments, _plan),
    Command("ask", "Ask how many images of each side show a phrase, and which.", _ask_arguments, _ask),
    Command("runs", "List the comparisons stored in a dataset.", _runs_arguments, _runs),
    Command("show", "Show a stored or saved comparison.", _show_arguments, _show),
    Command("report", "Write a stored or saved comparison to a page, a table, or JSON.", _report_arguments, _report),
    Command("ui", "Open a page in the browser that compares folders, a table of paths, zip files, or views.", _ui_arguments, _ui),
    Command("delete", "Delete a stored comparison and all that it wrote.", _delete_arguments, _delete),
    Command("demo", "Draw a small world, compare two pairs of views in it, and open the App.", _demo_arguments, _demo),
    Command("evaluate", "Run one of the papers' evaluations, or our own.", _evaluate_arguments, _evaluate),
    Command("train-sae", "Train a sparse autoencoder on vectors and save it.", _train_arguments, _train),
    Command("concepts", "Show what an SAE's concepts are: a table, a tree, or cards.", _concepts_arguments, _concepts),
    Command("sae", "Look at a published sparse autoencoder, or convert it into our format.", _sae_arguments, _sae),
    Command("noisy-diff", "Make pairs of image sets that differ in one rare attribute each.", _noisy_diff_arguments, _noisy_diff),
    Command("install-plugin", "Link the plugin into FiftyOne's plugins folder.", _nothing, _install_plugin),
)


if __name__ == "__main__":
    sys.exit(main())
