"""Rows of any container (frames, polars, sparse, lists of text), and their weights.

scikit-learn has no public function for these. Checked on 1.7.2 and 1.9.1.
"""

import numpy as np
from sklearn.utils import _safe_indexing as take_rows
from sklearn.utils.validation import _check_method_params as take_params
from sklearn.utils.validation import _check_sample_weight as check_sample_weight
from sklearn.utils.validation import _num_features as num_features
from sklearn.utils.validation import _num_samples as num_samples

__all__ = [
    "check_sample_weight", "labels_of", "num_features", "num_samples", "take_params",
    "take_rows",
]  # fmt: skip


def labels_of(classes):
    """Labels that have each class twice, for fits that need to know no more than these.

    Where classes outnumber half the labels, scikit-learn 1.9 warns of a regression.
    """
    return np.repeat(classes, 2)
