"""The ``latentdiff`` command: its subcommands are listed in ``COMMANDS``, each in a module of its own."""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from ..compute.temporary import remove_all, sweep
from ..errors import Cancelled, LatentDiffError
from ..version import __version__
from .examples import EXAMPLES
from .parsing import Parser
from .terminal import printable, screened

FAILED, INTERRUPTED, SIGNALLED = 2, 130, 128
"""Exit statuses; the last one with the signal's number added."""
GRACE = 10.0
"""Seconds that the work has to end after a signal."""


@dataclass(frozen=True)
class Command:
    """One subcommand."""

    name: str
    help: str
    module: str
    """Where ``<name>_arguments(parser)`` and ``run_<name>(args) -> exit status`` are."""

    def arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add its options."""
        self._call(f"{self._name}_arguments", parser)

    def run(self, args: argparse.Namespace) -> int:
        """Do it; returns the exit status."""
        return int(self._call(f"run_{self._name}", args))

    @property
    def _name(self) -> str:
        return self.name.replace("-", "_")

    def _call(self, function: str, argument: Any) -> Any:
        return getattr(import_module(f".{self.module}", __package__), function)(argument)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        argv: arguments; None takes the process's.

    Returns:
        Exit status: 0; 1 where the sides (or groups) differ and ``--exit-code`` was given, or a watch
        has an alarm; 2 for errors; 130 for Ctrl-C.
    """
    try:
        args = _parser(sys.argv[1:] if argv is None else argv).parse(argv)
    except SystemExit as e:
        return int(e.code or 0)
    try:
        with screened(), ended_by_signals():
            sweep()  # what a process left that was killed
            return args.command.run(args)
    except Cancelled as e:
        print(printable(f"latentdiff: {e}"), file=sys.stderr)
        return INTERRUPTED
    except LatentDiffError as e:
        print(printable(f"latentdiff: {e}"), file=sys.stderr)
        return FAILED
    except BrokenPipeError:
        # The reader (head, less) has seen enough; keep Python from complaining once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as e:
        print(printable(f"latentdiff: {e.strerror or e}: {e.filename or ''}".rstrip(": ")), file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        print("latentdiff: interrupted; nothing was written", file=sys.stderr)
        return INTERRUPTED
    except (MemoryError, RuntimeError) as e:
        if not isinstance(e, MemoryError) and "allocate memory" not in str(e):  # torch's name for the same
            raise
        print(printable(f"latentdiff: there is not enough memory ({e}); free some, or take fewer images"), file=sys.stderr)
        return FAILED


@contextlib.contextmanager
def ended_by_signals() -> Iterator[None]:
    """SIGTERM and SIGHUP end the work as an exit does: what it wrote down meanwhile is removed. One that is ignored (nohup) stays so."""

    def end(number: int, frame: Any) -> None:
        signal.signal(number, signal.SIG_IGN)  # once is enough: the clearing up is not to be ended too
        threading.Thread(target=_surely, args=(number, done), name="latentdiff-end", daemon=True).start()
        raise SystemExit(SIGNALLED + number)

    caught, done = [], threading.Event()
    if threading.current_thread() is threading.main_thread():
        wanted = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
        caught = [number for number in wanted if signal.getsignal(number) is signal.SIG_DFL]
    for number in caught:
        signal.signal(number, end)
    try:
        yield
    finally:
        done.set()
        for number in caught:
            signal.signal(number, signal.SIG_DFL)


def _surely(number: int, done: threading.Event) -> None:
    """An exception that a signal raises is lost where Python is just importing or clearing up: then the process ends without one."""
    if not done.wait(GRACE):
        remove_all()
        os._exit(SIGNALLED + number)


def _parser(argv: Sequence[str] | None = None) -> Parser:
    """Of all commands; where ``argv`` is given, with the options of those alone that it names: a listing need not wait."""
    parser = Parser(prog="latentdiff", description="How do these two sets of images differ?")
    parser.add_argument("--version", action="version", version=f"latentdiff {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in COMMANDS:
        sub = commands.add_parser(command.name, help=command.help, description=command.help, examples=EXAMPLES.get(command.name, ()))
        if argv is None or command.name in argv:
            command.arguments(sub)
        sub.set_defaults(command=command, parser=sub)
    return parser


COMMANDS = (
    Command("compare", "Compare two sets of images.", "compare"),
    Command("groups", "Compare many sets of images: each with the rest, and every pair.", "groups"),
    Command("trends", "Say what changes over time in a set of images, and when.", "trends"),
    Command("gap", "Say which images of a pool, added to B, make it like A.", "gap"),
    Command("watch", "Take the next batch of a stream, and say whether the stream has changed.", "watch"),
    Command("guard", "Fail a pipeline where a batch differs from a reference in something that matters.", "guard"),
    Command("embed", "Turn images into Parquet shards of vectors.", "scale"),
    Command("plan", "Say what a comparison will take: time, memory and disk.", "scale"),
    Command("ask", "Ask how many images of each side show a phrase, and which.", "ask"),
    Command("runs", "List the comparisons stored in a dataset.", "stored"),
    Command("show", "Show a stored or saved comparison.", "stored"),
    Command("report", "Write a stored or saved comparison to a page, a table, or JSON.", "stored"),
    Command("ui", "Open a page in the browser that compares folders, a table of paths, zip files, or views.", "app"),
    Command("delete", "Delete a stored comparison and all that it wrote.", "stored"),
    Command("demo", "Draw a small world, compare two pairs of views in it, and open the App.", "app"),
    Command("evaluate", "Run one of the papers' evaluations, or our own.", "evaluate"),
    Command("train-sae", "Train a sparse autoencoder on vectors and save it.", "sae"),
    Command("concepts", "Show what an SAE's concepts are: a table, a tree, or cards.", "concepts"),
    Command("sae", "Look at a published sparse autoencoder, or convert it into our format.", "sae"),
    Command("saes", "List the sparse autoencoders that comparisons keep, or drop some.", "kept"),
    Command("noisy-diff", "Make pairs of image sets that differ in one rare attribute each.", "noisy_diff"),
    Command("install-plugin", "Link the plugin into FiftyOne's plugins folder.", "app"),
)
