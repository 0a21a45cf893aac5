"""``latentdiff concepts``: the concepts of an SAE as a table or a tree, or one concept's card."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from ..embed.vocabulary import Vocabulary
from ..embed.words import with_compounds
from ..errors import InputError
from ..inputs.arrays import load_vectors
from ..inputs.named import COMMON, open_encoder, open_vocabulary
from ..report import percent
from .terminal import console, table

if TYPE_CHECKING:
    from ..sae.concepts import ConceptSet

ORDERS: dict[str, Callable[[ConceptSet], np.ndarray]] = {
    "rate": lambda s: s.fires,
    "monosemanticity": lambda s: s.monosemanticity,
    "strength": lambda s: np.array([s.names[k].strength if k in s.names else np.nan for k in range(s.sae.concepts)]),
}
"""Largest first; a concept without the value comes last."""

BELOW = 4
"""Finer concepts listed below each one, where not all are: the most frequent concepts contain hundreds."""


def concepts_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``latentdiff concepts``."""
    parser.add_argument("sae", metavar="SAE", help="a saved sparse autoencoder: what load_sae takes")
    parser.add_argument("--vectors", metavar="FILE", required=True, help=".npy (n, d) raw vectors of reference images for the SAE")
    parser.add_argument("--joint-vectors", metavar="FILE", help=".npy (n, d') of these images in the words' space (SAE of another layer)")
    parser.add_argument("--judge", metavar="FILE", help=".npy (n, d2) of the same images by a second encoder that judges monosemanticity")
    parser.add_argument("--vocabulary", metavar="FILE", help="words: .npz with words and vectors, or a text file, one word a line")
    parser.add_argument("--vocabulary-vectors", metavar="FILE", help=".npy (v, d) of the text file's words")
    parser.add_argument("--encoder", metavar="NAME", help="encoder of the words; also lets two words that fit become a phrase")
    parser.add_argument("--pretrained", metavar="TAG", help="weights of the encoder: a pretrained tag or a checkpoint file")
    parser.add_argument("--concept", metavar="K", type=int, action="append", help="show this concept's card (may be given again)")
    parser.add_argument("--sort", choices=tuple(ORDERS), default="rate", help="order of the table (default: %(default)s)")
    parser.add_argument("--tree", action="store_true", help="list coarse concepts with some finer ones below them (Matryoshka SAEs)")
    parser.add_argument("--top", metavar="N", type=int, default=30, help="concepts listed; 0 lists all that fire (default: %(default)s)")
    parser.add_argument("--save", metavar="FOLDER", help="save the SAE there with the monosemanticity of its concepts")
    parser.add_argument("--json", action="store_true", help="print the cards as JSON lines on standard output, for machines")


def run_concepts(args: argparse.Namespace) -> int:
    """Describe an SAE's concepts on a reference set and print what was asked for."""
    from .outcome import progress_bar

    if args.top < 0:
        raise InputError(f"--top must be 0 or more, not {args.top}")
    with progress_bar() as progress:
        found = _describe(args, progress)
    if args.save:
        _save(found, args.save)
    listed = [(k, 0) for k in args.concept] if args.concept else _listed(found, args)
    cards = found.cards([k for k, _ in listed])
    if args.json:
        _print_lines([{**cards[k], "depth": depth} for k, depth in listed])
    elif args.concept:
        for k in args.concept:
            _print_card(cards[k])
    else:
        _print_table(found, [(cards[k], depth) for k, depth in listed])
    return 0


def _describe(args: argparse.Namespace, progress: Any) -> ConceptSet:
    from ..sae.concepts import describe_concepts
    from ..sae.loading import check_encoder, load_sae

    encoder = open_encoder((args.encoder, args.pretrained))[0] if args.encoder else None
    sae = load_sae(args.sae)
    if encoder is not None and not args.joint_vectors:  # joint vectors are of another layer than the SAE's
        check_encoder(sae, encoder.fingerprint, what="what --encoder encodes")
    return describe_concepts(
        sae,
        load_vectors(args.vectors),
        vocabulary=_vocabulary(args, encoder),
        joint_vectors=load_vectors(args.joint_vectors) if args.joint_vectors else None,
        judge=load_vectors(args.judge) if args.judge else None,
        encode_texts=encoder.encode_texts if encoder is not None else None,
        progress=progress,
    )


def _vocabulary(args: argparse.Namespace, encoder: Any) -> Vocabulary | None:
    """The words asked for, compounds among them; with an encoder alone, common English words by it."""

    def opened() -> Any:
        if encoder is None:
            raise InputError("words without vectors need the encoder of the images: pass --encoder, or --vocabulary-vectors")
        return encoder

    given = args.vocabulary or (COMMON if encoder is not None else None)
    words = open_vocabulary(given, args.vocabulary_vectors, opened)
    return None if words is None else with_compounds(words)


def _save(found: ConceptSet, folder: str) -> None:
    import dataclasses

    dataclasses.replace(found.sae, monosemanticity=found.monosemanticity.astype(np.float32)).save(folder)


def _listed(found: ConceptSet, args: argparse.Namespace) -> list[tuple[int, int]]:
    """Concepts that fire, in the order asked for, with their depth in the tree."""
    from ..sae.tree import tree_order

    value = ORDERS[args.sort](found).astype(float)
    alive = np.flatnonzero(found.fires)
    order = alive[np.lexsort((alive, -np.nan_to_num(value[alive], nan=-np.inf)))]
    if not args.tree:
        return [(int(k), 0) for k in (order[: args.top] if args.top else order)]
    if not args.top:
        return tree_order(found.parent, order)
    lines = tree_order(found.parent, order, BELOW)
    depths = [depth for _, depth in lines] + [0]
    # What has nothing above and nothing below it would fill the list and show no tree.
    branching = [line for line, after in zip(lines, depths[1:], strict=True) if line[1] or after]
    return (branching or lines)[: args.top]


def _print_lines(cards: list[dict[str, Any]]) -> None:
    import json

    for card in cards:
        print(json.dumps(card, ensure_ascii=False, allow_nan=False))


def _print_table(found: ConceptSet, rows: list[tuple[dict[str, Any], int]]) -> None:
    from rich.text import Text

    alive, total, n = int((found.fires > 0).sum()), found.sae.concepts, found.codes.shape[0]
    out = console()
    out.print(Text(f"{alive} of {total} concepts fire on {n} images (MS: monosemanticity)", style="bold"))
    drawn = table(("concept", "what", "fires on", "MS", "strength", "also"), right=(0, 2, 3, 4))
    for card, depth in rows:
        also = ", ".join([*card["also"], *card["words"][1:]][:4])
        figures = (percent(card["firing_rate"]), _figure(card["monosemanticity"]), _figure(card["strength"]))
        drawn.add_row(*map(Text, (str(card["concept"]), "  " * depth + _plain(card), *figures, also)))
    out.print(drawn)


def _print_card(card: dict[str, Any]) -> None:
    from rich.text import Text

    lines = [
        ("in the tree", " → ".join([p["label"] for p in card["path"]] + [card["label"]]) if card["path"] or card["children"] else ""),
        ("finer", ", ".join(c["label"] for c in card["children"])),
        ("synonyms", ", ".join(card["also"])),
        ("further words", ", ".join(card["words"][1:])),
        ("name", "" if card["strength"] is None else f"strength {card['strength']:.2f}, {card['margin']:.2f} above the next word"),
        ("fires on", f"{card['images_firing']} images ({percent(card['firing_rate'])}), with {card['mean_activation']:.3g} in the mean"),
        ("monosemanticity", _figure(card["monosemanticity"])),
        ("fires with", ", ".join(f"{c['label']} ({percent(c['share'])}, {c['lift']:.1f}x)" for c in card["cofiring"])),
        ("top images", ", ".join(map(str, card["exemplars"]))),
    ]
    out = console()
    out.print(Text(f"\nconcept {card['concept']}: {_plain(card)}", style="bold"))
    for what, said in lines:
        if said:
            out.print(Text(f"{what:>16}  {said}"))


def _plain(card: dict[str, Any]) -> str:
    """The label without the concept's number, which stands beside it."""
    return card["label"].removeprefix(f"concept {card['concept']} · ")


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"
