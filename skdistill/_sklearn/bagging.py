"""What a fitted `BaggingClassifier` keeps of its training weights.

1.9 stores them, to draw ``estimators_samples_`` again when asked; nothing public removes
them. Checked on 1.7.2 (stores none) and 1.9.1.
"""


def forget_weights(student):
    """Drop the weights of rows that only the fit knew; ``estimators_samples_`` goes too."""
    vars(student).pop("_sample_weight", None)
