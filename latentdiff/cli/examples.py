"""Whole command lines, told at the end of each command's help."""

from __future__ import annotations

EXAMPLES: dict[str, tuple[str, ...]] = {
    "compare": (
        "latentdiff compare summer/ winter.zip --encoder fast --report report.html",
        "latentdiff compare my_dataset:june my_dataset:july --embeddings clip --vocabulary words.txt",
        "latentdiff compare a.npy b.npy --vocabulary words.npz --alpha 0.01 --json",
    ),
    "groups": (
        "latentdiff groups spring/ summer/ autumn/ --encoder fast",
        "latentdiff groups my_dataset --by camera.label --embeddings clip --vocabulary common --run cameras",
        "latentdiff groups vectors.parquet --by site --report sites.html",
    ),
    "trends": (
        "latentdiff trends photos.parquet --by taken --bins month --report months.html",
        "latentdiff trends my_dataset --by captured_at --embeddings clip --vocabulary common",
    ),
    "gap": ("latentdiff gap production/ training/ unlabelled/ --budget 200 --encoder fast --output chosen.txt",),
    "watch": (
        "latentdiff watch state/ today/ --reference usual/ --encoder fast",
        "latentdiff watch state/ tomorrow/ --encoder fast --history history.html",
    ),
    "guard": ("latentdiff guard guard.toml --batch today/ --junit guard.xml",),
    "embed": ("latentdiff embed photos/ vectors/ --encoder fast",),
    "plan": ("latentdiff plan --images 100000 1M --encoder fast",),
    "ask": (
        'latentdiff ask summer/ winter/ "a red kite" snow --encoder fast',
        'latentdiff ask my_dataset:june my_dataset:july "fog" --embeddings clip',
    ),
    "runs": ("latentdiff runs my_dataset", "latentdiff runs my_dataset --compare june_vs_july july_vs_august"),
    "show": (
        "latentdiff show my_dataset june_vs_july",
        "latentdiff show saved/ --top 10",
    ),
    "report": ("latentdiff report my_dataset june_vs_july -o report.html",),
    "ui": (
        "latentdiff ui",
        "latentdiff ui --host 0.0.0.0 --password --root /data/photos",
    ),
    "delete": ("latentdiff delete my_dataset june_vs_july",),
    "demo": (
        "latentdiff demo",
        "latentdiff demo --no-app --top 3",
    ),
    "evaluate": ("latentdiff evaluate planted --pairs 20 --out results/",),
    "saes": (
        "latentdiff saes",
        "latentdiff saes --drop 5aad4777",
    ),
    "train-sae": (
        "latentdiff train-sae vectors.npy sae/ --trainer matryoshka",
        "latentdiff train-sae my_dataset sae/ --embeddings clip",
    ),
    "concepts": ("latentdiff concepts sae/ --vectors vectors.npy --encoder fast --top 50",),
    "sae": (
        "latentdiff sae info published/",
        "latentdiff sae convert published/ sae/",
    ),
    "noisy-diff": ("latentdiff noisy-diff coco --parent dog",),
    "install-plugin": ("latentdiff install-plugin",),
}
