"""Multi-layer perceptron: scikit-learn's own training, the output delta replaced.

Backpropagation starts from the gradient of the combined loss in the raw prediction; all
else is native: initial weights, shuffles, mini-batches, solvers, L2 penalty, stopping.
A mini-batch is weighed by its rows' weights, as natively; ``loss_curve_`` is the combined
loss with its penalty. Early stopping scores accuracy, as natively, against the hard
labels, and where a row has none against the teacher's most probable class.
"""

from typing import Any

import numpy as np
from optuna.distributions import CategoricalDistribution, FloatDistribution
from sklearn.neural_network import MLPClassifier

from skdistill._sklearn.mlp import train_mlp
from skdistill._sklearn.validation import take_rows
from skdistill._typing import Rows, Seed
from skdistill.loss import BoundClassificationLoss
from skdistill.students._labels import check_held_out, hard_columns
from skdistill.students._leaves import labels_alone, plain_weight
from skdistill.students._registry import Fitted, register


def fit_mlp(
    student: Any, X: Rows, loss: BoundClassificationLoss, *, random_state: Seed = None
) -> Fitted:
    """Train on the rows that have a weight, labels kept for the stopping alone.

    Labels alone are fitted natively: the loss by which training stops is natively computed
    from clipped probabilities, in the type of X, and a network that is sure of its errors
    tells the two apart.
    """
    rows = np.flatnonzero(loss.row_weight)
    if len(rows) < loss.n_samples:
        X, loss = take_rows(X, rows), loss.take(rows)
    if student.early_stopping:
        check_held_out(hard_columns(loss), loss, "early_stopping=True of MLPClassifier")
    columns = labels_alone(loss)
    if columns is not None:
        weight = plain_weight(loss.row_weight, loss)
        return Fitted(student.fit(X, loss.classes[columns], sample_weight=weight))
    train_mlp(student, X, loss.classes[hard_columns(loss)], loss)
    return Fitted(student)


def mlp_space(student: Any) -> dict[str, Any]:
    """Networks of one small hidden layer; depth costs latency before it earns quality."""
    return {
        "hidden_layer_sizes": CategoricalDistribution([8, 16, 32, 64]),
        "alpha": FloatDistribution(1e-6, 1e-1, log=True),
        "learning_rate_init": FloatDistribution(3e-4, 3e-2, log=True),
    }


register(MLPClassifier, fit_mlp, search_space=mlp_space)
