import sys

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from optuna.distributions import FloatDistribution
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skdistill.loss import CombinedLoss
from skdistill.students import (
    Fitted,
    Unsupported,
    _registry,
    available,
    fit_student,
    register,
    search_space,
)

NAMES = np.array(["ash", "beech"])


class Threshold(ClassifierMixin, BaseEstimator):
    """Somebody else's classifier: the sign of one column, as steep as it should be."""

    def __init__(self, column=0, seed=None, random_state=None, class_weight=None):
        self.column = column
        self.seed = seed
        self.random_state = random_state
        self.class_weight = class_weight

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        self.slope_ = 1.0
        return self

    def predict_proba(self, X):
        proba = 1 / (1 + np.exp(-self.slope_ * X[:, self.column]))
        return np.column_stack([1 - proba, proba])

    def predict(self, X):
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


def fit_threshold(student, X, loss, *, random_state=None, column=None):
    """A family as its author would write it: minimise the loss in raw predictions."""
    if student.column < 0:
        raise Unsupported(f"column={student.column} must not be negative")
    student.seen_ = (random_state, student.random_state, column)
    student.told_weight_, student.row_weight_ = student.class_weight, loss.row_weight
    slopes = np.linspace(-3, 3, 61)
    values = [loss.parts(slope * X[:, student.column]).total for slope in slopes]
    student.classes_, student.slope_ = loss.classes, slopes[np.argmin(values)]
    return Fitted(student, curve=[loss.parts(student.slope_ * X[:, student.column])])


@pytest.fixture
def registered(monkeypatch):
    """Register for one test only."""
    monkeypatch.setattr(_registry, "_FAMILIES", dict(_registry._FAMILIES))

    def space(student):
        return {"seed": FloatDistribution(0, student.column + 1)}

    register(Threshold, fit_threshold, search_space=space)


@pytest.fixture
def X():
    return np.random.default_rng(0).normal(size=(80, 3))


@pytest.fixture
def loss(X):
    proba = 1 / (1 + np.exp(-2 * X[:, 0]))
    y = (np.random.default_rng(1).uniform(size=len(X)) < proba).astype(int)
    soft = np.column_stack([1 - proba, proba])
    return CombinedLoss(soft, y, alpha=1, temperature=3, classes=NAMES)


@pytest.mark.usefixtures("registered")
def test_a_class_of_somebody_elses_is_fitted_by_its_own_fitter(X, loss):
    student = Threshold()
    fitted = fit_student(student, X, loss, random_state=3)
    assert fitted.path == "direct"
    assert len(fitted.curve) == 1
    assert fitted.student.slope_ == pytest.approx(2, abs=0.11)
    assert not hasattr(student, "slope_")


@pytest.mark.usefixtures("registered")
def test_a_fitter_meets_a_seeded_student_and_its_fit_parameters(X, loss):
    fitted = fit_student(Threshold(), X, loss, random_state=3, column="a").student
    random_state, seed, column = fitted.seen_
    assert (random_state, column) == (3, "a")
    assert isinstance(seed, int)
    assert fitted.get_params() == Threshold().get_params()
    fitted = fit_student(Threshold(random_state=7), X, loss, random_state=3).student
    assert fitted.seen_[1] == 7


@pytest.mark.usefixtures("registered")
def test_class_weight_is_in_the_loss_when_the_fitter_is_called(X, loss):
    weights = {"ash": 1.0, "beech": 5.0}
    fitted = fit_student(Threshold(class_weight=weights), X, loss).student
    assert fitted.told_weight_ is None
    assert_array_equal(fitted.row_weight_, np.where(loss.y == 1, 5, 1))
    assert fitted.class_weight == weights


@pytest.mark.usefixtures("registered")
@pytest.mark.filterwarnings("ignore:.*sampled from the soft labels")
def test_a_refused_parameter_leads_to_the_general_path(X, loss):
    fitted = fit_student(Threshold(column=-1), X, loss, random_state=0)
    assert fitted.path == "sampled-labels"
    assert fitted.student.slope_ == 1


@pytest.mark.usefixtures("registered")
def test_a_registered_class_is_a_last_step_like_any_other(X, loss):
    pipeline = make_pipeline(StandardScaler(), Threshold())
    assert fit_student(pipeline, X, loss).path == "direct"
    assert list(search_space(pipeline)) == ["threshold__seed"]


@pytest.mark.usefixtures("registered")
def test_what_is_registered_is_available():
    assert available()["Threshold"] is Threshold
    assert "object" not in available()
    assert list(available()) == sorted(available())


@pytest.mark.usefixtures("registered")
def test_an_absent_optional_package_is_not_available():
    register("no_such_package.trees.Tree", fit_threshold)
    assert "Tree" not in available()


@pytest.mark.usefixtures("registered")
def test_a_search_space_may_look_at_the_student():
    assert search_space(Threshold(column=4))["seed"].high == 5


def test_a_class_that_nobody_registered_has_no_search_space():
    assert search_space(GaussianNB()) == {}


def test_a_subclass_takes_the_general_path_until_it_is_registered(X, loss):
    class Own(LogisticRegression):
        pass

    assert fit_student(LogisticRegression(), X, loss).path == "direct"
    fitted = fit_student(Own(), X, loss)
    assert fitted.path == "label-reduction"
    assert type(fitted.student) is Own


@pytest.mark.parametrize(
    "student", [LogisticRegression(), GaussianNB(), MLPClassifier(max_iter=1)]
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_the_student_passed_in_is_left_alone(X, loss, student):
    before = repr(vars(student))
    fitted = fit_student(student, X, loss, random_state=0).student
    assert fitted is not student
    assert repr(vars(student)) == before
    assert_array_equal(fitted.classes_, NAMES)


def test_a_student_of_an_absent_package_names_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "lightgbm.sklearn", None)
    with pytest.raises(ImportError, match=r"lightgbm: pip install 'skdistill\[boost\]'"):
        available()["LGBMClassifier"]
    with pytest.raises(KeyError, match="no student is called 'LGBM'"):
        available()["LGBM"]
