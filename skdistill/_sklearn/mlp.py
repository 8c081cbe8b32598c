"""scikit-learn's own training of a multi-layer perceptron, with another loss.

`MLPClassifier` has no hook for a loss. The subclass here overrides the private methods
that read targets and leaves the rest, from initial weights to stopping, as it is. The
row numbers of the loss travel as sample weights, so that the validation split, the
shuffles and the mini-batches carry them along. Checked on 1.7.2 and 1.9.1.
"""

import numpy as np
from sklearn.metrics import accuracy_score
from sklearn.neural_network import MLPClassifier
from sklearn.neural_network._base import DERIVATIVES
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils.extmath import safe_sparse_dot

from skdistill._sklearn.trainee import trained_as
from skdistill._sklearn.validation import labels_of

_RELIED_ON = (
    "_validate_input", "_forward_pass", "_backprop", "_compute_loss_grad", "_predict",
    "_score",
)  # fmt: skip


def train_mlp(student, X, y, loss):
    """Fit a perceptron in place, its output delta the gradient of a loss.

    Parameters
    ----------
    student : MLPClassifier
    X : array-like, frame or sparse matrix of `loss.n_samples` rows
    y : array-like of shape (n_samples,)
        Labels by which early stopping stratifies and scores; nothing else reads them.
    loss : CombinedLoss
    """
    with trained_as(_Trainee, student, _RELIED_ON, _combined_loss=loss):
        student.fit(X, y, sample_weight=np.arange(loss.n_samples))


class _Trainee(MLPClassifier):
    def _validate_input(self, X, y, incremental, reset):
        X, _ = super()._validate_input(X, y, incremental, reset)
        self._label_binarizer = LabelBinarizer().fit(labels_of(self._combined_loss.classes))
        self.classes_ = self._label_binarizer.classes_
        return X, self._label_binarizer.transform(y).astype(bool)

    def _backprop(self, X, y, rows, activations, deltas, coef_grads, intercept_grads):
        loss = self._combined_loss.take(rows.astype(np.intp))
        raw, weight = self._raw_prediction(activations), loss.total_weight
        value, gradient = loss.value_and_gradient(raw)
        value += self.alpha / 2 * sum(np.vdot(coef, coef) for coef in self.coefs_) / weight
        deltas[-1] = gradient.astype(raw.dtype, copy=False)
        for layer in reversed(range(len(deltas))):
            if layer + 1 < len(deltas):
                deltas[layer] = safe_sparse_dot(deltas[layer + 1], self.coefs_[layer + 1].T)
                DERIVATIVES[self.activation](activations[layer + 1], deltas[layer])
            self._compute_loss_grad(
                layer, weight, activations, deltas, coef_grads, intercept_grads
            )
        return value, coef_grads, intercept_grads

    def _raw_prediction(self, activations):
        """Forward pass without the output activation."""
        activation, self.out_activation_ = self.out_activation_, "identity"
        raw = self._forward_pass(activations)[-1]
        self.out_activation_ = activation
        return raw

    def _score(self, X, y, sample_weight):
        weight = self._combined_loss.row_weight[sample_weight.astype(np.intp)]
        if np.ptp(weight) == 0:
            weight = None  # as natively, so that equal scores stay equal to the last bit
        return accuracy_score(y, self._predict(X, check_input=False), sample_weight=weight)


_Trainee.__name__ = MLPClassifier.__name__  # in scikit-learn's messages
