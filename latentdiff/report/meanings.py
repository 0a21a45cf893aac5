"""What each number and each branch of LatentDiff is, for readers who know no statistics: tooltips, legends and tables say it alike."""

SOURCES = {
    "sae": ("concept", "A pattern of the sparse autoencoder that fires on more images of one side than of the other."),
    "dre": ("typical images", "A phrase that fits the most typical images of one side better than those of the other."),
    "word": ("words", "A word that fits the best images of one side better than the best of the other."),
}
"""Branch of LatentDiff → its name and what that means; what other methods found is said by ``Comparison.info["legend"]``."""
MEANING = {
    "rates": "The bars: the share of each side's images that show it.",
    "difference": "The gap between the two rates in percentage points; in brackets what holds the truth in 95 of 100 such studies. "
    "Not measurable: the images that show it do not stand apart from the others, so the rates are rough.",
    "pattern fires on": "Shares of the two sides on which the concept behind it fires; the bars count what shows what the name says.",
    "also": "What people made a part of it, what says the same of the same images in near words (guesses are counted, not named), and what "
    "differs only along with it.",
    "overlaps with": "At least half of its images show that difference too, and too few are left to test it by itself.",
    "crowd": "The images that show it lie close to each other, and one side has more of them than chance puts in any place: how often "
    "it would if nothing differed. Few images are enough for that.",
    "found again": "In how many of five refits, each without another fifth of the images, it passes too. Five: no few images decide it.",
    "along with it": "Also differ, but only along with this one: without its images they no longer do.",
    "q": "Of all findings at least this sure, the share that would be false alarms. Only what stays below the study's level is listed.",
    "AUROC": "How well this alone tells the two sides' images apart: 0.5 not at all, 1 perfectly. What few images show stays near 0.5. "
    "Below 0.5: only images that clearly show it are more frequent on this side; over all images its score is higher on the other.",
    "AUC": "How well all vectors together tell the sides' images apart, on images that were not learnt from. It belongs to the verdict.",
    "p": "How often two sets that do not differ would look this different. It belongs to the verdict.",
    "score": "How much likelier an image is on one side than on the other, as a logarithm: 0 could be from either.",
    "how sure": "Of a concept, −log10 of its q: 2 is one false alarm in a hundred, 3 one in a thousand.",
    "name": "How well the words fit the images. “looks like” marks a guess: the difference is real, its name perhaps not. Look at them.",
}
"""What each number says, for readers who know no statistics."""
NAME_FITS = {
    True: "No word fits these images well. Look at them before believing the name. Fit of the name: {strength}, where 0 is no fit.",
    False: "The words fit these images clearly better than random words do. Fit of the name: {strength}, where 0 is no fit.",
}
