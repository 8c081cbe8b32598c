"""A hint at ``memory`` where fits repeat the work of one teacher.

A search over student, temperature or alpha fits the same teacher to the same rows again
and again. The seconds that a process spends so are summed by a hash of teacher and rows.
"""

from collections import OrderedDict

import joblib

from skdistill._estimators._warnings import warn
from skdistill._sklearn.validation import num_samples, take_rows

ENOUGH = 1.0  # seconds of repeated work that are worth a word
_KEPT = 256  # pairs of teacher and rows

_spent = OrderedDict()  # seconds by pair, without those of its first fit
_told = OrderedDict()  # teachers of which it was said


def hint_at_memory(teacher, X, y, seconds):
    """Warn, once for each teacher, when its repeated work adds up.

    Parameters
    ----------
    teacher : classifier
        Unfitted.
    X, y : array-like
        What it was fitted to.
    seconds : float
        Of its work.
    """
    try:
        which = joblib.hash(teacher)
    except Exception:  # a teacher that cannot be pickled cannot be cached either
        return
    rows = num_samples(X)
    pair = which, rows, joblib.hash((take_rows(X, [0, rows - 1]), y))
    _spent[pair] = _spent[pair] + seconds if pair in _spent else 0.0
    if _spent[pair] > ENOUGH and which not in _told:
        _told[which] = None
        warn(
            f"fits in this process have spent {_spent[pair]:.0f} s on work that an earlier "
            "fit of the same teacher to the same rows had done: set memory='some/folder' "
            "and fits that differ in student, temperature or alpha share its work"
        )
    for kept in (_spent, _told):
        while len(kept) > _KEPT:
            kept.popitem(last=False)
