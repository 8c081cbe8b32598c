"""scikit-learn's own histogram gradient boosting, with another loss.

`HistGradientBoostingClassifier` asks a loss object for gradients and Hessians; its
subclass here overrides the private methods that make this object and that read targets
and weights. All else, from binning and the stratified validation split to the growing of
trees, is the estimator's own. Checked on 1.7.2 and 1.9.1.
"""

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier

from skdistill._sklearn.histogram_leaves import (
    leaf_values,
    reached_leaves,
    write_leaf_values,
)
from skdistill._sklearn.trainee import trained_as
from skdistill._sklearn.validation import labels_of

_OVERRIDDEN = (
    "_encode_y", "_finalize_sample_weight", "_bin_data", "_get_loss",
    "_score_with_raw_predictions", "_check_early_stopping_loss",
    "_check_early_stopping_scorer",
)  # fmt: skip
_BLOCK = 2**15  # numbers
_LOWEST = float(np.log(np.finfo(np.float64).eps))  # of a baseline, against the highest


def train_hist_gradient_boosting(student, X, y, loss, *, together=None, **fit_params):
    """Fit a histogram gradient boosting classifier in place, against a loss.

    Parameters
    ----------
    student : HistGradientBoostingClassifier
    X : array-like or frame of `loss.n_samples` rows
    y : array-like of int of shape (n_samples,)
        Column of the class that the validation split stratifies by and that a scorer
        reads; the trees never see it.
    loss : CombinedLoss
    together : callable, default=None
        Made of the loss of the training rows and the baseline, what solves leaves while
        the boosting grows (`skdistill.students._additive.Together`). None: nothing does.
    **fit_params : dict
        ``X_val``, ``y_val`` (labels) and ``sample_weight_val``.

    Returns
    -------
    list of LossParts
        The loss of the training rows after each iteration.
    """
    lent = {"_combined_loss": loss, "_together": together, "_binned": {}}
    with trained_as(_Trainee, student, _OVERRIDDEN, **lent):
        student.fit(X, y, **fit_params)
        row_loss, student._loss = student._loss, student._loss.native
        row_loss.finish()
    if not np.allclose(loss.row_weight, loss.row_weight[0], rtol=1e-9):
        student._fitted_with_sw = True  # partial dependence by recursion then refuses
    return row_loss.curve()


class _Trainee(HistGradientBoostingClassifier):
    """A booster whose sample weights are row numbers of `_combined_loss`.

    So they follow their rows through the validation split, while its labels stratify it
    and are scored as ever.
    """

    def _encode_y(self, y):
        super()._encode_y(labels_of(self._combined_loss.classes))
        return y.astype(np.float64)

    def _finalize_sample_weight(self, sample_weight, y):
        return np.arange(len(y))

    def _get_loss(self, sample_weight):
        growing = None if self._together is None else _Growing(self, self._together)
        return _RowLoss(super()._get_loss(sample_weight=None), self._combined_loss, growing)

    def _bin_data(self, X, *sample_weight, is_training_data):
        # 1.7 bins without weights
        weight = [self._weight_of(rows) for rows in sample_weight]
        binned = super()._bin_data(X, *weight, is_training_data=is_training_data)
        self._binned[is_training_data] = binned
        return binned

    def _check_early_stopping_loss(self, *args, **kwargs):
        self._loss.follow(kwargs.get("raw_predictions_val"))
        return super()._check_early_stopping_loss(*args, **kwargs)

    def _check_early_stopping_scorer(self, *args, **kwargs):
        self._loss.follow(kwargs.get("raw_predictions_val"))
        return super()._check_early_stopping_scorer(*args, **kwargs)

    def _score_with_raw_predictions(self, X, y, sample_weight, raw_predictions=None):
        weight = self._weight_of(sample_weight)
        return super()._score_with_raw_predictions(X, y, weight, raw_predictions)

    def _weight_of(self, sample_weight):
        """The user's weights of rows, None where they are all 1."""
        if not _are_rows(sample_weight):
            return sample_weight
        loss = self._combined_loss
        return None if np.all(loss.sample_weight == 1) else loss.sample_weight[sample_weight]


_Trainee.__name__ = HistGradientBoostingClassifier.__name__  # in scikit-learn's messages


class _RowLoss:
    """What the booster asks of its loss, of rows given by their numbers.

    The user's own validation rows have labels only: of them the native loss is taken.
    """

    constant_hessian = False
    differentiable = True

    def __init__(self, native, combined, growing=None):
        self.native = native
        self._growing = growing
        self.predict_proba = native.predict_proba
        self.init_gradient_and_hessian = native.init_gradient_and_hessian
        self._combined = combined
        self._taken = {}
        self._parts = []

    def fit_intercept_only(self, y_true, sample_weight):
        """Logits of the best constant, bounded and centred as the native ones are."""
        raw = self._of(sample_weight).constant()[0]
        if raw.ndim == 0:
            return np.clip(raw, _LOWEST, -_LOWEST)
        raw = np.maximum(raw - raw.max(), _LOWEST)
        return raw - raw.mean()

    def gradient_hessian(
        self, y_true, raw_prediction, sample_weight, gradient_out, hessian_out, n_threads
    ):
        """Write both into float32 arrays, by blocks of rows that stay in cache."""
        loss = self._of(sample_weight)
        if self._growing is not None:
            self._growing.end_round(loss, raw_prediction)
        else:
            self._parts.append(loss.parts(raw_prediction))
        self._last = loss, raw_prediction  # which the booster updates in place
        raw = raw_prediction.reshape(gradient_out.shape)
        step = max(1, _BLOCK // loss.n_classes)
        for start in range(0, loss.n_samples, step):
            rows = slice(start, start + step)
            block = loss.take(rows)
            gradient_out[rows], hessian_out[rows] = block.gradient_and_hessian(raw[rows])

    def __call__(self, y_true, raw_prediction, sample_weight, n_threads):
        if not _are_rows(sample_weight):
            return self.native(y_true, raw_prediction, sample_weight, n_threads)
        return self._of(sample_weight).parts(raw_prediction).total

    def follow(self, raw_val):
        """Let validation rows follow leaves that were solved since they were predicted."""
        if self._growing is not None and raw_val is not None:
            self._growing.follow(raw_val)

    def finish(self):
        """Keep the loss after the last iteration, or solve all leaves once more."""
        loss, raw = self._last
        if self._growing is None:
            self._parts.append(loss.parts(raw))
        else:
            self._growing.finish(raw)
            self._parts = self._growing.together.curve

    def curve(self):
        """The loss of the training rows after each iteration and stage."""
        return self._parts[1:]

    def _of(self, rows):
        """The loss of some rows, taken once; without a validation split, of all."""
        if len(rows) == self._combined.n_samples:
            return self._combined
        if id(rows) not in self._taken:
            self._taken[id(rows)] = self._combined.take(rows), rows
        return self._taken[id(rows)][0]


class _Growing:
    """A booster in training whose leaves are solved together, and written back."""

    def __init__(self, booster, together):
        self.booster, self.make = booster, together
        self.together, self.solved = None, False

    def end_round(self, loss, raw):
        """Take the trees of the last round; raw predictions follow leaves that are solved."""
        if self.together is None:
            self.together = self.make(loss, self.booster._baseline_prediction[0])
        if self._take() and self.together.end_round():
            self.solved = True
            self._write(raw)

    def finish(self, raw):
        """Solve all leaves for the last time."""
        if self._take():
            self.together.end_round()
        self.together.finish()
        self._write(raw)

    def follow(self, raw_val):
        """Predict validation rows anew where leaves have changed."""
        if not self.solved:
            return
        self.solved, missing = False, self.booster._bin_mapper.missing_values_bin_idx_
        raw_val[:] = self.booster._baseline_prediction
        for trees in self.booster._predictors:
            for column, tree in enumerate(trees):
                raw_val[:, column] += tree.predict_binned(
                    self.booster._binned[False], missing, n_threads=1
                )

    def _take(self):
        booster, seen = self.booster, len(self.together.values)
        missing = booster._bin_mapper.missing_values_bin_idx_
        new = booster._predictors[seen // booster.n_trees_per_iteration_ :]
        for trees in new:
            for column, tree in enumerate(trees):
                leaf = reached_leaves(tree, booster._binned[True], missing)
                self.together.append(leaf, leaf_values(tree), column)
        return new

    def _write(self, raw):
        trees = [tree for trees in self.booster._predictors for tree in trees]
        for tree, values in zip(trees, self.together.values, strict=True):
            write_leaf_values(tree, values[:, 0])
        raw[...] = self.together.raw.reshape(raw.shape)


def _are_rows(sample_weight):
    """Whether they are row numbers and not weights, which scikit-learn makes floats."""
    return sample_weight is not None and sample_weight.dtype.kind == "i"
