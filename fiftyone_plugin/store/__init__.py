"""Comparisons in a dataset: records, documents, fields, and what is mended after a crash."""

from latentdiff.compute.extras import require

require("fiftyone", "fiftyone", "a FiftyOne dataset")  # whatever reads or writes one comes by here
