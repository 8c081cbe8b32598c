"""scikit-learn's own gradient boosting, with another loss.

`GradientBoostingClassifier` chooses its loss by name and updates leaves by the formulas
of that loss; its subclass here overrides the private methods that do either and leaves
the rest, from the validation split to subsampling, as it is. Checked on 1.7.2 and 1.9.1.
"""

import numpy as np
from scipy.special import softmax
from sklearn._loss.loss import HalfSquaredError
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import GradientBoostingClassifier

from skdistill._sklearn.trainee import trained_as
from skdistill._sklearn.validation import labels_of

_OVERRIDDEN = ("_encode_y", "_get_loss", "_init_state", "_fit_stage")
_FLAT = 1e-150  # Hessian of a leaf that is left where it is, as natively


def train_gradient_boosting(student, X, y, loss, *, together=None, **fit_params):
    """Fit a gradient boosting classifier in place, against a loss.

    Parameters
    ----------
    student : GradientBoostingClassifier
        Its ``init`` is None or "zero".
    X : array-like, frame or sparse matrix of `loss.n_samples` rows
    y : array-like of int of shape (n_samples,)
        Column of the class that the validation split stratifies by; the trees never see
        it.
    loss : CombinedLoss
    together : callable, default=None
        Made of the loss of the training rows and their first raw predictions, what solves
        leaves while the boosting grows (`skdistill.students._additive.Together`); at the
        end only where ``n_iter_no_change`` holds rows out, whose predictions scikit-learn
        adds up tree by tree. None: nothing does.
    **fit_params : dict
        ``monitor``.

    Returns
    -------
    list of LossParts or None
        The curve of `together`.
    """
    lent = {"_combined_loss": loss, "_make_together": together}
    with trained_as(_Trainee, student, _OVERRIDDEN, **lent):
        student.fit(X, y, sample_weight=np.arange(loss.n_samples), **fit_params)
    grown, student._loss = student._loss.together, student._loss.native
    if student.init_ != "zero":
        student.init_.__class__ = DummyClassifier
        del student.init_._row_loss
    if grown is None:
        return None
    grown.finish()
    write_leaves(student, grown.values)
    return grown.curve[1:]


def leaf_places(tree):
    """Nodes of a scikit-learn tree that are leaves."""
    return np.flatnonzero(tree.tree_.children_left == -1)


def leaf_numbers(tree):
    """Number of every leaf by node."""
    return np.cumsum(tree.tree_.children_left == -1) - 1


def leaf_values(booster, tree):
    """Raw predictions of the leaves of one tree, learning rate included."""
    return booster.learning_rate * tree.tree_.value[leaf_places(tree), 0, 0]


def write_leaves(booster, values):
    """Put raw predictions into the leaves of the trees, stage by stage, in place."""
    for tree, of_tree in zip(booster.estimators_.flat, values, strict=False):
        tree.tree_.value[leaf_places(tree), 0, 0] = np.ravel(of_tree) / booster.learning_rate


class _Trainee(GradientBoostingClassifier):
    """A booster whose sample weights are row numbers of `_combined_loss`."""

    def _encode_y(self, y, sample_weight):
        super()._encode_y(labels_of(self._combined_loss.classes), None)
        return y.astype(np.float64)

    def _get_loss(self, sample_weight):
        return _RowLoss(super()._get_loss(None), self._combined_loss)

    def _init_state(self):
        super()._init_state()
        if self.init_ != "zero":
            self.init_ = _Prior()
            self.init_._row_loss = self._loss

    def _fit_stage(self, i, X, y, raw_predictions, rows, sample_mask, *args, X_csr, **kwargs):
        """Grow the native trees on the gradient, then let their leaves take Newton steps."""
        loss, raw = self._loss.of(rows), raw_predictions.copy()
        gradient, hessian = loss.gradient_and_hessian(raw)
        super()._fit_stage(
            i, X, rows, raw_predictions, loss.row_weight, sample_mask, *args,
            X_csr=X_csr, **kwargs,
        )  # fmt: skip
        gradient[~sample_mask] = hessian[~sample_mask] = 0
        if i == 0 and self._make_together is not None:
            self._loss.together = self._make_together(loss, raw.copy())
        together = self._loss.together
        for k, tree in enumerate(self.estimators_[i]):
            leaves = tree.tree_.apply(X if X_csr is None else X_csr)
            _step(tree.tree_, leaves, self._loss.factor * gradient[:, k], hessian[:, k])
            raw[:, k] += self.learning_rate * tree.tree_.value[leaves, 0, 0]
            if together is not None:
                together.append(leaf_numbers(tree)[leaves], leaf_values(self, tree), k)
        if together is None:
            return raw
        together.end_round(solve=self.n_iter_no_change is None)
        write_leaves(self, together.values)
        return together.raw.copy()


_Trainee.__name__ = GradientBoostingClassifier.__name__  # in scikit-learn's messages


def _step(tree, leaves, gradient, hessian):
    """Write into each leaf of a tree the Newton step of its rows."""
    slope = np.bincount(leaves, gradient, tree.node_count)
    bend = np.bincount(leaves, hessian, tree.node_count)
    step = np.divide(-slope, bend, out=np.zeros_like(slope), where=bend > _FLAT)
    is_leaf = tree.children_left == -1
    tree.value[is_leaf, 0, 0] = step[is_leaf]


class _RowLoss(HalfSquaredError):
    """What the booster asks of its loss, of rows given by their numbers.

    As a squared error it has its leaves left at the mean of their targets.
    """

    together = None

    def __init__(self, native, combined):
        self.native = native
        self.combined = combined
        self.link = native.link
        self.predict_proba = native.predict_proba
        self.is_multiclass = native.is_multiclass
        n_classes = combined.n_classes
        self.factor = (n_classes - 1) / n_classes if self.is_multiclass else 1  # as natively

    def gradient(self, y_true, raw_prediction, sample_weight=None):
        """Of a row of weight 1: the tree weighs rows itself."""
        loss = self.of(y_true)
        gradient, weight = loss.gradient(raw_prediction), loss.row_weight[:, None]
        return np.divide(gradient, weight, out=np.zeros_like(gradient), where=weight > 0)

    def __call__(self, y_true, raw_prediction, sample_weight):
        # scikit-learn doubles it, as it natively does for two classes only
        value = self.of(sample_weight).parts(raw_prediction).total
        return value / 2 if self.is_multiclass else value

    def of(self, rows):
        """The loss of some rows, whose numbers scikit-learn has made floats."""
        if len(rows) == self.combined.n_samples:
            return self.combined
        return self.combined.take(rows.astype(np.intp))


class _Prior(DummyClassifier):
    """The first prediction: the constant that minimises the loss."""

    def fit(self, X, y, sample_weight):
        raw = self._row_loss.of(sample_weight).constant()
        logits = raw[0] if raw.ndim == 2 else [0, raw[0]]
        proba = softmax(logits)
        codes = labels_of(np.arange(len(proba), dtype=np.float64))
        rows = np.zeros((len(codes), X.shape[1]))
        return super().fit(rows, codes, sample_weight=np.repeat(proba, 2))
