"""Multi-layer perceptron: scikit-learn's own training, the output delta replaced.

Backpropagation starts from the gradient of the combined loss in the raw prediction; all
else is native: initial weights, shuffles, mini-batches, solvers, L2 penalty, stopping.
A mini-batch is weighed by its rows' weights, as natively; ``loss_curve_`` is the combined
loss with its penalty. Early stopping scores accuracy, as natively, against the hard
labels, and where a row has none against the teacher's most probable class.
"""

import numpy as np
from optuna.distributions import CategoricalDistribution, FloatDistribution
from sklearn.neural_network import MLPClassifier

from skdistill._sklearn.mlp import train_mlp
from skdistill._sklearn.validation import take_rows
from skdistill.students._registry import Fitted, register


def fit_mlp(student, X, loss, *, random_state=None):
    """Train on the rows that the loss weighs, and on those the user weighs 0.

    The latter fill mini-batches natively too; a row without the label that `alpha` asks
    for is no row at all.
    """
    rows = np.flatnonzero((loss.row_weight > 0) | (loss.sample_weight == 0))
    if len(rows) < loss.n_samples:
        X, loss = take_rows(X, rows), loss.take(rows)
    taught = np.nan_to_num(loss.soft_labels).argmax(axis=1)
    train_mlp(student, X, loss.classes[np.where(loss.y >= 0, loss.y, taught)], loss)
    return Fitted(student)


def mlp_space(student):
    """Networks of one small hidden layer; depth costs latency before it earns quality."""
    return {
        "hidden_layer_sizes": CategoricalDistribution([8, 16, 32, 64]),
        "alpha": FloatDistribution(1e-6, 1e-1, log=True),
        "learning_rate_init": FloatDistribution(3e-4, 3e-2, log=True),
    }


register(MLPClassifier, fit_mlp, search_space=mlp_space)
