"""Table and plot of benchmarks/results/scale.json: time by stage, against the machine's product and memory, and by doubling.

    python benchmarks/scale_report.py

Writes benchmarks/results/scale.md and scale.png, and prints the table; scale.py calls it at its end.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"
COLOURS = ("#b0b0b0", "#3266ad", "#3f9b5b", "#d95f30", "#a05fb4", "#e3a83b", "#8c6d4f")


def table(found: dict[str, Any]) -> str:
    """Markdown: one line a run, the stages of the largest runs against the machine, growth and precision."""
    lines = [f"# One comparison, width {found['width']}, {found['machine']}, version {found['version']}", ""]
    lines += ["Bare: the same product alone, in the precision that the run used; reading: all vectors once from memory.", ""]
    lines += ["| images | concepts | seconds | bare product | times bare | float32 product | memory GB/s | peak GB | from half as many |"]
    lines += ["|---:|---:|---:|---:|---:|---:|---:|---:|---:|"]
    runs = {(r["rows"], r["concepts"]): r for r in found["runs"]}
    for (rows, concepts), run in sorted(runs.items(), key=lambda item: (item[0][1], item[0][0])):
        half = runs.get((rows // 2, concepts))
        more = run["peak_anonymous_gb"] - half["peak_anonymous_gb"] if half else 0.0
        growth = f"{run['seconds'] / half['seconds']:.2f} x time, {more:+.2f} GB" if half else ""
        bare = run["seconds"] / run["times_bare"]
        cells = f"{rows:,}", f"{concepts:,}", f"{run['seconds']:.1f}", f"{bare:.1f}", f"{run['times_bare']:.1f}"
        rest = f"{run['bare_float32_seconds']:.1f}", f"{run['memory_gb_per_s']:.1f}", f"{run['peak_anonymous_gb']:.2f}", growth
        lines.append("| " + " | ".join([*cells, *rest]) + " |")
    for concepts in sorted({k for _, k in runs}):
        lines += ["", *_stages(max((r for (_, k), r in runs.items() if k == concepts), key=lambda r: r["rows"]))]
    return "\n".join([*lines, *_precision(found.get("precision"))]) + "\n"


def _stages(run: dict[str, Any]) -> list[str]:
    lines = [f"{run['rows']:,} images, {run['concepts']:,} concepts:", ""]
    lines += ["| stage | seconds | of the bare product | readings of all vectors |", "|---|---:|---:|---:|"]
    bare = run["seconds"] / run["times_bare"]
    for stage, seconds in [*run["stages"].items(), ("all", run["seconds"])]:
        lines.append(f"| {stage} | {seconds:.2f} | {seconds / bare:.2f} | {seconds / run['reading_seconds']:.1f} |")
    return lines


def _precision(found: dict[str, Any] | None) -> list[str]:
    if not found:
        return []
    return [
        "",
        f"bf16 against float32 products, {found['rows']:,} images, {found['concepts']:,} concepts: first five of both sides "
        f"{'the same' if found['same_first_five'] else 'NOT the same'}; divergence of the {found['significant_concepts']} significant "
        f"concepts at most {found['jsd_apart_significant_largest']:.2%} apart, of all concepts {found['jsd_apart_all_median']:.2%} in the "
        f"median and {found['jsd_sum_apart']:.3%} in their sum; log ratios {found['log_ratio_apart_mean']:.1e} in the mean.",
    ]


def plot(found: dict[str, Any], path: Path) -> None:
    """Seconds by images, stacked by stage, one panel a dictionary, with the bare product; and peak memory."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    sizes = sorted({r["concepts"] for r in found["runs"]})
    figure = Figure(figsize=(5.5 * (len(sizes) + 1), 4.2), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    panels: Any = figure.subplots(1, len(sizes) + 1, squeeze=False)[0]
    for axes, concepts in zip(panels, sizes, strict=False):
        runs = sorted((r for r in found["runs"] if r["concepts"] == concepts), key=lambda r: r["rows"])
        rows, below = [r["rows"] for r in runs], [0.0] * len(runs)
        for colour, stage in zip(COLOURS, runs[-1]["stages"], strict=False):
            top = [b + r["stages"].get(stage, 0.0) for b, r in zip(below, runs, strict=True)]
            axes.fill_between(rows, below, top, label=stage, color=colour, alpha=0.8)
            below = top
        axes.plot(rows, [r["seconds"] / r["times_bare"] for r in runs], "k--", label="bare product")
        axes.set(title=f"{concepts:,} concepts", xlabel="images", ylabel="seconds", xlim=(0, None), ylim=(0, None))
        axes.legend(fontsize=8, frameon=False, loc="upper left")
        panels[-1].plot(rows, [r["peak_anonymous_gb"] for r in runs], "o-", label=f"{concepts:,} concepts")
    panels[-1].set(title="peak memory", xlabel="images", ylabel="GB", xlim=(0, None), ylim=(0, None))
    panels[-1].legend(fontsize=8, frameon=False)
    for axes in panels:
        axes.spines[["top", "right"]].set_visible(False)
        axes.ticklabel_format(axis="x", style="plain")
        axes.tick_params(axis="x", labelrotation=30)
    figure.savefig(path, metadata={"Software": None})


def main() -> None:
    found = json.loads((RESULTS / "scale.json").read_text(encoding="utf8"))
    text = table(found)
    print(text)
    (RESULTS / "scale.md").write_text(text, encoding="utf8")
    plot(found, RESULTS / "scale.png")


if __name__ == "__main__":
    main()
