"""Gradient boosting, the exact kind.

`GradientBoostingClassifier` with ``loss="log_loss"`` is fitted directly: its own trees on
the gradient of the combined loss, Newton steps in their leaves. ``train_score_`` holds
the loss of the in-bag rows, twice it for two classes as natively; so do the validation
losses that ``n_iter_no_change`` compares, of rows held out by class.

Two students take the general path, weighted copies of each row: ``loss="exponential"``,
an exponential loss whose minimiser over targets q is q too, and `AdaBoostClassifier`, which
minimises one by votes: its probabilities stay within bounds that no target moves.
"""

from optuna.distributions import FloatDistribution, IntDistribution
from sklearn.ensemble import GradientBoostingClassifier

from skdistill._sklearn.gradient_boosting import train_gradient_boosting
from skdistill.students._labels import hard_columns
from skdistill.students._leaves import labels_alone, plain_weight
from skdistill.students._registry import Fitted, Unsupported, register
from skdistill.students._rows import weighted_rows


def fit_gradient_boosting(student, X, loss, *, random_state=None, **fit_params):
    """Fit by scikit-learn's own training; ``monitor`` is taken as natively."""
    name = type(student).__name__
    if student.loss != "log_loss":
        raise Unsupported(f"loss={student.loss!r} of {name} is no log-loss; use 'log_loss'")
    if student.init is not None and student.init != "zero":
        raise Unsupported(f"init={student.init!r} of {name} learns labels; use None or 'zero'")
    X, loss, _ = weighted_rows(X, loss, {})
    columns = labels_alone(loss)
    if columns is not None:  # ties between splits then break as natively
        weight = plain_weight(loss.row_weight, loss)
        student.fit(X, loss.classes[columns], sample_weight=weight, **fit_params)
    else:
        train_gradient_boosting(student, X, hard_columns(loss), loss, **fit_params)
    return Fitted(student, curve=[loss.parts(r) for r in student.staged_decision_function(X)])


def gradient_boosting_space(student):
    """Size (trees, depth), step and regularisation."""
    return {
        "n_estimators": IntDistribution(10, 200, log=True),
        "max_depth": IntDistribution(2, 6),
        "learning_rate": FloatDistribution(0.02, 0.5, log=True),
        "min_samples_leaf": IntDistribution(1, 50, log=True),
        "subsample": FloatDistribution(0.5, 1.0),
    }


register(
    GradientBoostingClassifier, fit_gradient_boosting, search_space=gradient_boosting_space
)
