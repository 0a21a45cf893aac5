"""What closes a gap, in words: for the command line and the App."""

from __future__ import annotations

from ..results.gap import Gap, GapState
from .text import images, p_text, percent


def gap_sentences(gap: Gap) -> list[str]:
    """What was chosen, what the pool lacks, what it brings, and what the weights are worth, a plain sentence each.

    Args:
        gap: the result.
    """
    remarks = [f"{remark}." for remark in gap.info.get("remarks") or ()]
    if not len(gap.rows) and not gap.modes:
        evidence = p_text(float(gap.info["p"]))
        return [f"The two sets do not differ detectably ({evidence}), or the pool has nothing that mends it: nothing to add.", *remarks]
    said = [f"{images(len(gap.rows))} {'is' if len(gap.rows) == 1 else 'are'} chosen."]
    said += [f"{mode}." for mode in gap.modes]
    said.append(f"On halves not used to choose: {state_text(gap.before)} before, {state_text(gap.after)} after.")
    said.append(f"Weights of the images that are there: worth {gap.effective:,.0f} images.")
    if len(gap.leave_out):
        share = len(gap.leave_out) / max(len(gap.weights), 1)
        are, their = ("is", "its") if len(gap.leave_out) == 1 else ("are", "their")
        said.append(f"{images(len(gap.leave_out))} ({percent(share)}) {are} more than the other set has of {their} kind.")
    return said + remarks


def state_text(state: GapState) -> str:
    """How far apart two sets are: "AUC 0.62, p < 0.001, 3 findings"."""
    count = len(state.findings)
    return f"AUC {state.auc:.2f}, {p_text(state.p_value)}, {count} finding{'' if count == 1 else 's'}"
