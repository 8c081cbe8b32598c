"""Small tasks, losses bound to them, and a teacher that counts: shared by the tests."""

import numpy as np
from sklearn.datasets import make_classification
from sklearn.naive_bayes import GaussianNB

from skdistill.loss import CombinedLoss
from skdistill.students import fit_student

NAMES = np.array(["ash", "beech", "cedar", "fir"])


def blurred_task(n_classes=3, n_samples=300, seed=0):
    """Rows of 6 columns, codes of their labels, and those labels blurred."""
    X, y = make_classification(
        n_samples, 6, n_informative=4, n_classes=n_classes, flip_y=0.1, random_state=seed
    )
    blur = np.random.default_rng(seed).dirichlet(np.ones(n_classes), size=n_samples)
    return X, y, 0.6 * np.eye(n_classes)[y] + 0.4 * blur


def erring_task(n_classes=3, n_samples=400):
    """Rows of 8 columns, codes of their labels, and a teacher that errs."""
    X, y = make_classification(
        n_samples, 8, n_informative=6, n_classes=n_classes, flip_y=0.1, random_state=0
    )
    blur = np.random.RandomState(1).dirichlet(np.ones(n_classes), n_samples)
    return X, y, (blur + np.eye(n_classes)[y]) / 2


def gappy_task(n_classes, n_samples=400):
    """Rows of 5 columns, some values missing, and blurred labels that depend on three."""
    rng = np.random.default_rng(n_classes)
    X = rng.normal(size=(n_samples, 5))
    scores = X[:, 0] + 0.7 * X[:, 1] * X[:, 2] + rng.normal(size=n_samples)
    y = np.digitize(scores, np.quantile(scores, np.arange(1, n_classes) / n_classes))
    X[rng.random(X.shape) < 0.05] = np.nan
    proba = 0.5 * np.eye(n_classes)[y] + 0.5 * rng.dirichlet(np.ones(n_classes), n_samples)
    return X, y, proba


def one_hot(y):
    return np.eye(y.max() + 1)[y]


def one_hot_loss(y, **params):
    return CombinedLoss(one_hot(y), y, **params)


def bind(proba, y=None, **params):
    """The loss, of classes that have names."""
    return CombinedLoss(proba, y, classes=NAMES[: proba.shape[1]], **params)


def distil(student, X, loss, **fit_params):
    return fit_student(student, X, loss, random_state=0, **fit_params).student


class Counted(GaussianNB):
    """A teacher that counts its fits and the rows it scores."""

    fits = rows = 0

    def fit(self, X, y, sample_weight=None):
        type(self).fits += 1
        return super().fit(X, y, sample_weight)

    def predict_proba(self, X):
        type(self).rows += len(X)
        return super().predict_proba(X)
