"""Published methods and a floor, with the same inputs, hypotheses and reports as :func:`latentdiff.compare`.

    visdiff                propose from samples of images, rank on all of them     Dunlap et al., CVPR 2024
    gsclip                 every word of a bank, against its negation              Zhu et al., 2022
    difference_of_means    words along the difference of the sides' means          the floor
"""
