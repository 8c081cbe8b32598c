import pickle
import warnings
from itertools import pairwise

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn import config_context
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import make_classification
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingClassifier,
    GradientBoostingClassifier,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import (
    LogisticRegression,
    LogisticRegressionCV,
    Perceptron,
    RidgeClassifier,
    RidgeClassifierCV,
    SGDClassifier,
)
from sklearn.model_selection import (
    FixedThresholdClassifier,
    GridSearchCV,
    GroupKFold,
    TunedThresholdClassifierCV,
)
from sklearn.multiclass import OneVsRestClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier, NearestCentroid
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC
from tasks import NAMES, bind

from skdistill.loss import logits
from skdistill.students import Unsupported, fit_student
from skdistill.students._reduction import fit_by_labels


class Bare(ClassifierMixin, BaseEstimator):
    """The least that a classifier can be: no weights, no probabilities."""

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        self.centroids_ = np.array([X[y == label].mean(axis=0) for label in self.classes_])
        return self

    def predict(self, X):
        distance = ((X[:, None] - self.centroids_) ** 2).sum(axis=2)
        return self.classes_[distance.argmin(axis=1)]


class Witness(GaussianNB):
    """Notes the rows, by their first column, that it is fitted on and predicts for."""

    events = []  # noqa: RUF012

    def __init__(self, early_stopping=False):
        super().__init__()
        self.early_stopping = early_stopping

    def fit(self, X, y, sample_weight=None, tag=None):
        Witness.events.append(("fit", X[:, 0].astype(int), tag))
        return super().fit(X, y, sample_weight)

    def predict_proba(self, X):
        Witness.events.append(("predict", X[:, 0].astype(int), None))
        return super().predict_proba(X)


class Unweighable(Witness):
    def fit(self, X, y, tag=None):
        return super().fit(X, y, tag=tag)


@pytest.fixture
def events():
    Witness.events.clear()
    return Witness.events


def linear(**params):
    return LogisticRegression(**({"max_iter": 300} | params))


TWO = [("lr", linear()), ("nb", GaussianNB())]
COPIES = {
    "SGD": SGDClassifier(loss="log_loss", alpha=0.1, random_state=0),
    "naive Bayes": GaussianNB(),
    "elastic net": linear(solver="saga", penalty="elasticnet", l1_ratio=0.5, random_state=0,
                          tol=1e-3),
    "cross-validated logistic regression": LogisticRegressionCV(Cs=2, cv=2, max_iter=300),
    "calibrated": CalibratedClassifierCV(LinearSVC(random_state=0), cv=3),
    "calibrated once": CalibratedClassifierCV(GaussianNB(), cv=3, ensemble=False),
    "bag": BaggingClassifier(linear(), n_estimators=3, random_state=0),
    "vote": VotingClassifier(TWO, voting="soft"),
    "stack": StackingClassifier(TWO, cv=3),
    "AdaBoost": AdaBoostClassifier(n_estimators=3, random_state=0),
    "dummy": DummyClassifier(),
}  # fmt: skip
COPIES_WITHOUT_PROBABILITIES = {
    "SVC": SVC(),
    "linear SVC": LinearSVC(random_state=0),
    "ridge": RidgeClassifier(),
    "perceptron": Perceptron(random_state=0),
}
DRAWS = {
    "neighbours": KNeighborsClassifier(),
    "discriminant": LinearDiscriminantAnalysis(),
    "one against the rest": OneVsRestClassifier(linear()),
    "bag of neighbours": BaggingClassifier(
        KNeighborsClassifier(), n_estimators=3, random_state=0
    ),
    "calibrated neighbours": CalibratedClassifierCV(KNeighborsClassifier(), cv=3),
    "calibrated frozen": CalibratedClassifierCV(
        FrozenEstimator(GaussianNB().fit(np.arange(20.0).reshape(4, 5), NAMES[[0, 0, 1, 1]]))
    ),
    "bag that scores what it leaves out": BaggingClassifier(
        linear(), n_estimators=3, oob_score=True, random_state=0
    ),
    "SVC with probabilities": SVC(probability=True, random_state=0),
    "SGD that stops early": SGDClassifier(
        loss="log_loss", alpha=0.1, early_stopping=True, random_state=0
    ),
    "boosting that stops early": GradientBoostingClassifier(
        n_estimators=3, n_iter_no_change=2, random_state=0
    ),
    "bag of SGD that stops early": BaggingClassifier(
        SGDClassifier(loss="log_loss", alpha=0.1, early_stopping=True),
        n_estimators=2,
        random_state=0,
    ),
}
DRAWS_WITHOUT_PROBABILITIES = {
    "bare": Bare(),
    "centroids": NearestCentroid(metric="manhattan"),
    "cross-validated ridge": RidgeClassifierCV(),
}
TWO_CLASSES = {
    "liblinear": linear(solver="liblinear"),
    "fixed threshold": FixedThresholdClassifier(linear()),
    "tuned threshold": TunedThresholdClassifierCV(linear(), cv=2, thresholds=10),
    "threshold tuned on a part": TunedThresholdClassifierCV(
        linear(), cv=0.3, thresholds=10, random_state=0
    ),
}
WITH_PROBABILITIES = COPIES | DRAWS
STUDENTS = WITH_PROBABILITIES | COPIES_WITHOUT_PROBABILITIES | DRAWS_WITHOUT_PROBABILITIES
CASES = [
    *((name, student, k) for name, student in STUDENTS.items() for k in (2, 3)
      if (name, k) != ("calibrated frozen", 3)),
    *((name, student, 2) for name, student in TWO_CLASSES.items()),
]  # fmt: skip
every_student = pytest.mark.parametrize(
    ("name", "student", "n_classes"), CASES, ids=[f"{name}-{k}" for name, _, k in CASES]
)
sampling_is_announced = pytest.mark.filterwarnings("ignore:.*sampled from the soft labels")
scikit_learn_is_talking = pytest.mark.filterwarnings(
    "ignore::FutureWarning",
    "ignore:Maximum number of iteration",
    "ignore:Some inputs.*OOB",
    "ignore:invalid value encountered in divide:RuntimeWarning:sklearn.ensemble",
)


def make_task(n_classes=2, n_samples=60):
    X, y = make_classification(
        n_samples, 5, n_informative=4, n_redundant=0, n_classes=n_classes, random_state=0
    )
    blur = np.random.default_rng(0).dirichlet(np.ones(n_classes), n_samples)
    return X, y, (np.eye(n_classes)[y] + blur) / 2


def by_labels(student, X, loss, random_state=0, **fit_params):
    student = clone(student)
    return fit_by_labels(student, X, loss, random_state=random_state, **fit_params)


def response(student, X):
    for method in ("predict_proba", "decision_function", "predict"):
        if hasattr(student, method):
            return getattr(student, method)(X)


@every_student
@pytest.mark.parametrize("temperature", [1, 3])
@sampling_is_announced
@scikit_learn_is_talking
def test_any_classifier_can_be_a_student(name, student, n_classes, temperature):
    X, y, proba = make_task(n_classes)
    loss = bind(proba, y, temperature=temperature)
    if temperature != 1 and not hasattr(clone(student).fit(X, NAMES[y]), "predict_proba"):
        with pytest.raises(
            Unsupported, match=r"temperature other than 1 needs .* predict_proba"
        ):
            by_labels(student, X, loss)
        return
    fitted = by_labels(student, X, loss)
    draws = name in DRAWS | DRAWS_WITHOUT_PROBABILITIES or "threshold" in name
    assert fitted.path == ("sampled-labels" if draws else "label-reduction")
    assert type(fitted.student) is type(student)
    assert repr(fitted.student.get_params()) == repr(student.get_params())
    assert_array_equal(fitted.student.classes_, NAMES[:n_classes])
    assert set(fitted.student.predict(X)) <= set(NAMES[:n_classes])


@every_student
@pytest.mark.parametrize("alpha", [0, 0.3])
@scikit_learn_is_talking
def test_hard_labels_give_the_native_fit(name, student, n_classes, alpha):
    X, y, proba = make_task(n_classes)
    if alpha:
        proba = np.eye(n_classes)[y]
    fitted = by_labels(student, X, bind(proba, y, alpha=alpha))
    native = clone(student).fit(X, NAMES[y])
    assert fitted.path == "label-reduction"
    assert_array_equal(response(fitted.student, X), response(native, X))


@pytest.mark.parametrize("student", [SGDClassifier(random_state=0), LinearSVC(random_state=0)])
@pytest.mark.parametrize(
    "class_weight", ["balanced", dict(zip(NAMES, (1, 9, 1), strict=False))]
)
def test_at_alpha_0_classes_are_weighed_in_the_student_s_own_way(student, class_weight):
    X, y, proba = make_task(3)
    student = clone(student).set_params(class_weight=class_weight)
    fitted = fit_student(student, X, bind(proba, y, alpha=0)).student
    native = clone(student).fit(X, NAMES[y])
    assert_array_equal(fitted.decision_function(X), native.decision_function(X))


@pytest.mark.parametrize("name", ["naive Bayes", "neighbours", "calibrated", "stack"])
@scikit_learn_is_talking
def test_a_row_without_a_label_is_no_row_at_alpha_0(name):
    X, y, proba = make_task(3)
    some = np.where(np.arange(len(y)) % 3 == 0, -1, y)
    fitted = by_labels(STUDENTS[name], X, bind(proba, some, alpha=0))
    native = clone(STUDENTS[name]).fit(X[some >= 0], NAMES[y][some >= 0])
    assert_allclose(fitted.student.predict_proba(X), native.predict_proba(X), atol=1e-12)


# What is minimised ----------------------------------------------------------------


@pytest.mark.parametrize(("n_classes", "temperature"), [(2, 1), (3, 1), (2, 3), (3, 3)])
@scikit_learn_is_talking
def test_a_penalised_logistic_regression_ends_at_its_optimum(n_classes, temperature):
    X, y, proba = make_task(n_classes)
    loss = bind(proba, y, alpha=0.7, temperature=temperature)
    lasso = clone(COPIES["elastic net"]).set_params(l1_ratio=1, C=0.5, tol=1e-7, max_iter=9999)
    student = by_labels(lasso, X, loss).student
    slope = X.T @ loss.gradient(student.decision_function(X)).reshape(len(X), -1)
    slope, coef = student.C * slope.T, student.coef_
    accuracy = 1e-3 if temperature == 1 else 3e-2
    assert_allclose(slope[coef != 0], -np.sign(coef[coef != 0]), atol=accuracy)
    assert np.all(np.abs(slope[coef == 0]) < 1 + accuracy)
    assert np.any(coef != 0)


def test_the_penalty_of_sgd_does_not_grow_with_the_number_of_copies():
    X, y, proba = make_task(2, n_samples=300)
    sgd = SGDClassifier(loss="log_loss", alpha=0.05, average=True, max_iter=60, tol=None)
    loss = bind(proba, y)
    coefs = [
        by_labels(sgd.set_params(random_state=i), X, loss).student.coef_ for i in range(4)
    ]
    optimum = by_labels(linear(C=1 / (0.05 * len(X)), tol=1e-8), X, loss).student.coef_
    assert_allclose(np.mean(coefs, axis=0), optimum, atol=0.03 * np.abs(optimum).max())


@pytest.mark.parametrize("name", ["elastic net", "SGD", "cross-validated logistic regression"])
@sampling_is_announced
@scikit_learn_is_talking
def test_refits_lower_the_loss_of_a_higher_temperature(name):
    X, y, proba = make_task(3, n_samples=200)
    hot = bind(proba, y, temperature=3)
    cold, refitted = (
        by_labels(STUDENTS[name], X, bind(proba, y, temperature=t)).student for t in (1, 3)
    )
    before, after = (hot.parts(logits(s.predict_proba(X))).total for s in (cold, refitted))
    assert after < before


def test_weighted_copies_of_a_mean_are_the_mean():
    X, y, proba = make_task(3)
    loss = bind(proba, y, alpha=0.4)
    student = by_labels(DummyClassifier(), X, loss).student
    assert_allclose(student.predict_proba(X[:1])[0], loss.blend().mean(axis=0))


@pytest.mark.parametrize("name", ["naive Bayes", "neighbours", "calibrated", "bare"])
@sampling_is_announced
@scikit_learn_is_talking
def test_a_class_that_no_target_names_is_kept(name):
    X, y, proba = make_task(3)
    loss = bind(np.column_stack([proba, np.zeros(len(X))]), y, alpha=0.5)
    assert_array_equal(by_labels(STUDENTS[name], X, loss).student.classes_, NAMES)


# Rows and their copies ------------------------------------------------------------


def with_row_numbers(X):
    return np.column_stack([np.arange(len(X)), X])


@pytest.mark.parametrize(
    "student",
    [
        CalibratedClassifierCV(Witness(), cv=4),
        CalibratedClassifierCV(Witness(), cv=4, ensemble=False),
        StackingClassifier([("nb", Witness())], cv=4),
    ],
    ids=["calibrated", "calibrated once", "stack"],
)
@pytest.mark.parametrize("temperature", [1, 3])
def test_copies_of_a_row_never_straddle_an_inner_split(events, student, temperature):
    X, y, proba = make_task(3)
    fitted = by_labels(student, with_row_numbers(X), bind(proba, y, temperature=temperature))
    assert fitted.path == "label-reduction"
    held_out = 0
    for fit, predict in pairwise(events):
        if fit[0] == "fit" and predict[0] == "predict" and len(set(fit[1])) < len(X):
            assert not set(fit[1]) & set(predict[1])
            held_out += 1
    assert held_out >= 4


@pytest.mark.parametrize(
    "student",
    [
        Witness(early_stopping=True),
        VotingClassifier([("nb", Witness(early_stopping=True))], voting="soft"),
        CalibratedClassifierCV(Witness(early_stopping=True), cv=3),
    ],
    ids=["itself", "in a vote", "calibrated"],
)
@sampling_is_announced
def test_a_student_that_holds_rows_out_sees_each_row_once(events, student):
    X, y, proba = make_task(3)
    loss = bind(proba, y, temperature=3, sample_weight=np.arange(len(y)) % 3 + 1)
    assert by_labels(student, with_row_numbers(X), loss).path == "sampled-labels"
    fits = [rows for event, rows, _ in events if event == "fit"]
    assert fits
    assert all(len(np.unique(rows)) == len(rows) for rows in fits)


@pytest.mark.parametrize("student", [Witness(), Unweighable()], ids=["copies", "draws"])
@sampling_is_announced
def test_fit_parameters_follow_their_rows(events, student):
    X, y, proba = make_task(3)
    weight = np.arange(len(y)) % 4
    by_labels(student, with_row_numbers(X), bind(proba, y, sample_weight=weight),
              tag=10 * np.arange(len(X)))  # fmt: skip
    [(_, rows, tag)] = events
    assert_array_equal(tag, 10 * rows)
    assert not np.array_equal(rows, np.arange(len(X)))


@sampling_is_announced
def test_rows_are_drawn_by_weight_where_weights_cannot_be_told(events):
    X, y, proba = make_task(3)
    weight = np.repeat([0, 1, 3], len(y) // 3)
    by_labels(Unweighable(), with_row_numbers(X), bind(proba, y, sample_weight=weight))
    counts = np.bincount(events[0][1], minlength=len(y))
    assert_array_equal(counts[:20], 0)
    assert set(counts[20:40]) <= {0, 1}
    assert set(counts[40:]) <= {1, 2}


def test_the_users_splits_are_those_of_the_rows(events):
    X, y, proba = make_task(2)
    halves = [(np.arange(30), np.arange(30, 60)), (np.arange(30, 60), np.arange(30))]
    student = CalibratedClassifierCV(Witness(), cv=halves)
    fitted = by_labels(student, with_row_numbers(X), bind(proba, y)).student
    assert [set(rows) for _, rows, _ in events[::2]] == [set(range(30)), set(range(30, 60))]
    assert_array_equal(fitted.cv, halves)


def test_groups_reach_the_splitter(events):
    X, y, proba = make_task(2)
    groups = np.arange(len(y)) % 6
    with config_context(enable_metadata_routing=True):
        base = Witness().set_fit_request(sample_weight=True)
        student = CalibratedClassifierCV(base, cv=GroupKFold(3))
        by_labels(student, with_row_numbers(X), bind(proba, y), groups=groups)
    for (_, train, _), (_, test, _) in zip(events[::2], events[1::2], strict=True):
        assert not set(groups[train]) & set(groups[test])


def test_the_weights_of_copies_need_no_request_where_metadata_are_routed():
    X, y, proba = make_task(3)
    student = CalibratedClassifierCV(GaussianNB(), cv=3)
    plain = by_labels(student, X, bind(proba, y)).student
    with config_context(enable_metadata_routing=True):
        routed = by_labels(student, X, bind(proba, y)).student
    assert_array_equal(routed.predict_proba(X), plain.predict_proba(X))


@pytest.mark.parametrize("name", ["calibrated", "cross-validated logistic regression", "bag"])
@scikit_learn_is_talking
def test_no_rows_stay_in_the_student(name):
    sizes = []
    for n_samples in (60, 240):
        X, y, proba = make_task(2, n_samples)
        loss = bind(proba, y, temperature=3)
        sizes.append(len(pickle.dumps(by_labels(STUDENTS[name], X, loss).student)))
    assert abs(sizes[1] - sizes[0]) < 100


# Labels drawn from targets --------------------------------------------------------


@sampling_is_announced
def test_the_seed_decides_the_labels():
    X, y, proba = make_task(3)
    first, again, other = (
        by_labels(KNeighborsClassifier(1), X, bind(proba, y), random_state=seed).student
        for seed in (0, 0, 1)
    )
    assert_array_equal(first.predict(X), again.predict(X))
    assert np.any(first.predict(X) != other.predict(X))


@sampling_is_announced
def test_labels_come_as_often_as_the_targets_say():
    X, y, proba = make_task(3)
    loss = bind(proba, y)
    drawn = np.zeros(proba.shape)
    for seed in range(100):
        student = by_labels(KNeighborsClassifier(1), X, loss, random_state=seed).student
        drawn += student.predict_proba(X)
    assert np.abs(drawn / 100 - loss.blend()).max() < 4.5 * np.sqrt(0.25 / 100)


@pytest.mark.parametrize("temperature", [1, 3])
def test_sampling_is_announced_once(temperature):
    X, y, proba = make_task(3)
    with pytest.warns(UserWarning, match="sampled from the soft labels") as caught:
        by_labels(LinearDiscriminantAnalysis(), X, bind(proba, y, temperature=temperature))
    assert len(caught) == 1


# Refusals -------------------------------------------------------------------------


@pytest.mark.parametrize("inside", ["bare", "pipeline"])
@pytest.mark.parametrize(
    ("student", "message"),
    [
        (GridSearchCV(linear(), {"C": [1]}), "student=GridSearchCV .* put the search outside"),
        (FrozenEstimator(linear()), "student=FrozenEstimator is never fitted"),
        (LinearSVC(), "temperature .* LinearSVC lacks .* use temperature=1"),
    ],
    ids=["search", "frozen", "no probabilities"],
)
def test_what_no_path_can_honour_is_refused_by_name(student, message, inside):
    X, y, proba = make_task()
    if inside == "pipeline":
        student = make_pipeline(StandardScaler(), student)
    with warnings.catch_warnings(), pytest.raises(Unsupported, match=message):
        fit_student(student, X, bind(proba, y, temperature=2))


def test_weights_given_to_the_student_are_refused():
    X, y, proba = make_task()
    with pytest.raises(TypeError, match="sample_weight belongs to the loss"):
        fit_student(GaussianNB(), X, bind(proba, y), sample_weight=np.ones(len(X)))


# Iteration ---------------------------------------------------------------------------


class Scripted(ClassifierMixin, BaseEstimator):
    """Predicts, at its n-th fit, the n-th of some probabilities."""

    def __init__(self, script=None):
        self.script = script

    def fit(self, X, y, sample_weight=None):
        self.classes_, self.proba_ = np.unique(y), self.script.pop(0)
        return self

    def predict_proba(self, X):
        return np.tile([1 - self.proba_, self.proba_], (len(X), 1))

    def predict(self, X):
        return self.classes_[self.predict_proba(X).argmax(axis=1)]

    def __sklearn_clone__(self):
        return Scripted(self.script)  # which all fits of one run share


@pytest.mark.parametrize("temperature", [2.0, 0.5])
def test_the_best_iterate_is_kept_and_a_worse_one_ends_the_iteration(temperature):
    X, y, _ = make_task()
    loss = bind(np.tile([0.3, 0.7], (len(y), 1)), y, temperature=temperature, alpha=1)
    script = [0.2, 0.5, 0.65, 0.4, 0.7]
    fitted = fit_by_labels(Scripted(script), X, loss).student
    assert fitted.proba_ == 0.65
    assert script == [0.7]  # the next one was not asked for


def test_at_temperature_1_one_fit_is_enough():
    X, y, proba = make_task()
    script = [0.2, 0.5]
    assert fit_by_labels(Scripted(script), X, bind(proba, y)).student.proba_ == 0.2
    assert script == [0.5]
