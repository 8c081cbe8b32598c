"""Labels and columns: whatever the order of ``classes_``, names or codes, read aright."""

import inspect

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import load_iris
from sklearn.ensemble import BaggingClassifier, RandomForestClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, LeaveOneGroupOut
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from skdistill import AutoDistiller, DistilledClassifier
from skdistill._estimators._classes import knows_codes_only, names_of
from skdistill.metrics import kl_divergence
from skdistill.plot import FidelityDisplay
from skdistill.report import distillation_report
from skdistill.scorers import NegLogLoss, teacher_scorer
from skdistill.teachers import ask, label_rows

X, CODES = load_iris(return_X_y=True)
FOREST = RandomForestClassifier(20, random_state=0)
NUMBERS = np.array(["1", "9", "10"])  # of which text makes "1", "10", "9"


class Backwards(ClassifierMixin, BaseEstimator):
    """A third-party student whose classes are not sorted."""

    def fit(self, X, y, sample_weight=None):
        self.model_ = GaussianNB().fit(X, y, sample_weight)
        self.classes_ = self.model_.classes_[::-1]
        return self

    def predict(self, X):
        return self.model_.predict(X)

    def predict_proba(self, X):
        return self.model_.predict_proba(X)[:, ::-1]

    def decision_function(self, X):
        scores = np.log(np.maximum(self.predict_proba(X), 1e-9))
        return scores if scores.shape[1] > 2 else scores[:, 1] - scores[:, 0]


class Framed(GaussianNB):
    """A teacher that names the columns of its probabilities, in an order of its own."""

    def __init__(self, make=pd.DataFrame):
        super().__init__()
        self.make = make

    def predict_proba(self, X):
        order = [str(label) for label in self.classes_[[2, 0, 1]]]
        proba = super().predict_proba(X)[:, [2, 0, 1]]
        if self.make is pd.DataFrame:
            return pd.DataFrame(proba, columns=order)
        return pl.DataFrame(dict(zip(order, proba.T, strict=True)))


def agreement(kd, y):
    """Shares of y that predict, the largest probability and the student itself name."""
    proba = kd.predict_proba(X[: len(y)])
    own = kd.student_.predict(X[: len(y)]).ravel()
    likely = kd.classes_[proba.argmax(axis=1)]
    return [np.mean(named == y) for named in (kd.predict(X[: len(y)]), likely, own)]


@pytest.mark.parametrize("temperature", [1.0, 2.0])
@pytest.mark.parametrize("alpha", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_catboost_orders_numbers_in_text_by_number(n_classes, alpha, temperature):
    catboost = pytest.importorskip("catboost")
    rows = n_classes > CODES
    y = NUMBERS[[1, 2, 0]][CODES[rows]]  # two classes: "9" and "10"
    student = catboost.CatBoostClassifier(
        iterations=10, verbose=0, allow_writing_files=False, thread_count=1
    )
    kd = DistilledClassifier(FOREST, student, temperature, alpha).fit(X[rows], y)
    assert kd.student_.classes_.tolist() == sorted(set(y.tolist()), key=int)
    assert min(agreement(kd, y)) > 0.9
    assert kd.loss_.hard < 0.3


@pytest.mark.parametrize(
    "params",
    [
        {"class_names": ("9", "1", "10")},
        {"class_weights": (1.0, 50.0, 1.0)},
        {"auto_class_weights": "Balanced"},
    ],
    ids=lambda params: next(iter(params)),
)
def test_catboost_reads_names_and_weights_of_classes_in_its_own_order(params):
    catboost = pytest.importorskip("catboost")
    y = NUMBERS[CODES]
    student = catboost.CatBoostClassifier(
        iterations=10, verbose=0, allow_writing_files=False, thread_count=1, **params
    )
    native = student.copy().fit(X, y)
    kd = DistilledClassifier(FOREST, student, 1.0, 0.5).fit(X, y)
    assert kd.student_.classes_.tolist() == native.classes_.tolist()
    assert min(agreement(kd, y)) > 0.7
    mean = pd.Series(kd.student_.predict_proba(X).mean(axis=0), kd.student_.classes_)
    heavy = "9" if "class_weights" in params else mean.idxmax()
    assert mean.idxmax() == heavy


@pytest.mark.parametrize("temperature", [1.0, 2.0])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_a_student_with_unsorted_classes_is_read_by_its_classes(n_classes, temperature):
    rows = n_classes > CODES
    y = NUMBERS[CODES[rows]]
    kd = DistilledClassifier(FOREST, Backwards(), temperature).fit(X[rows], y)
    assert kd.fit_path_ == "label-reduction"
    assert min(agreement(kd, y)) > 0.9
    assert kd.loss_.hard < 0.5
    scores = kd.decision_function(X[rows])
    best = (scores > 0).astype(int) if n_classes == 2 else scores.argmax(axis=1)
    assert_array_equal(kd.classes_[best], kd.predict(X[rows]))
    twin = DistilledClassifier(FOREST, GaussianNB(), temperature).fit(X[rows], y)
    assert_allclose(kd.predict_proba(X[rows]), twin.predict_proba(X[rows]))


def test_scorers_reports_and_pictures_align_models_with_unsorted_classes():
    y = NUMBERS[CODES]
    sorted_nb, backwards = GaussianNB().fit(X, y), Backwards().fit(X, y)
    teacher = LogisticRegression(max_iter=1000).fit(X, y)
    for name in ("kl_to_teacher", "combined_loss", "agreement"):
        score = teacher_scorer(name, teacher=teacher)
        assert score(backwards, X, y) == pytest.approx(score(sorted_nb, X, y))
    assert NegLogLoss()(backwards, X, y) == pytest.approx(NegLogLoss()(sorted_nb, X, y))
    kd = DistilledClassifier(FrozenEstimator(teacher), GaussianNB(), 1.0).fit(X, y)
    report = distillation_report(kd, X, y, plain=backwards)
    expected = distillation_report(kd, X, y, plain=sorted_nb)
    assert report["test"]["plain"] == pytest.approx(expected["test"]["plain"])
    drawn = FidelityDisplay.from_estimator(backwards, X, teacher=teacher)
    assert drawn.agreement == pytest.approx(
        FidelityDisplay.from_estimator(sorted_nb, X, teacher=teacher).agreement
    )


# Named columns -------------------------------------------------------------------------


@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame], ids=["pandas", "polars"])
@pytest.mark.parametrize("labels", [np.array(["b", "c", "a"]), np.array([1, 2, 3])])
def test_a_teacher_that_names_its_columns_is_read_by_the_names(make, labels):
    y, classes = labels[CODES], np.unique(labels)
    truth = GaussianNB().fit(X, y).predict_proba(X)
    framed = Framed(make).fit(X, y)
    assert_allclose(ask(framed, X, classes), truth)
    out_of_fold = label_rows(GaussianNB(), X, y, classes, cv=3).proba
    assert_allclose(label_rows(Framed(make), X, y, classes, cv=3).proba, out_of_fold)
    for teacher in (Framed(make), [("framed", Framed(make)), ("plain", GaussianNB())]):
        kd = DistilledClassifier(teacher, LogisticRegression(max_iter=1000)).fit(X, y)
        assert_allclose(kd.teacher_predict_proba(X), truth)
    score = teacher_scorer("kl_to_teacher", teacher=framed)
    assert score(GaussianNB().fit(X, y), X, y) == pytest.approx(0, abs=1e-12)


def test_a_student_that_names_its_columns_is_read_by_the_names():
    y = NUMBERS[CODES]
    for temperature in (1.0, 2.0):
        kd = DistilledClassifier(FOREST, Framed(), temperature).fit(X, y)
        twin = DistilledClassifier(FOREST, GaussianNB(), temperature).fit(X, y)
        assert_allclose(kd.predict_proba(X), twin.predict_proba(X))
        assert kd.loss_ == pytest.approx(twin.loss_)


def test_columns_that_pandas_numbers_have_no_names_unless_they_were_turned_round():
    frame = pd.DataFrame(np.eye(3))
    assert names_of(frame) == []
    assert names_of(frame.iloc[:, ::-1]) == [2, 1, 0]
    assert names_of(np.eye(3)) == []
    proba = GaussianNB().fit(X, CODES).predict_proba(X)
    turned = pd.DataFrame(proba[:, ::-1]).set_axis(pd.RangeIndex(2, -1, -1), axis=1)
    own = DistilledClassifier(student=GaussianNB()).fit(X, CODES, teacher_proba=proba)
    kd = DistilledClassifier(student=GaussianNB()).fit(X, CODES, teacher_proba=turned)
    assert kd.loss_ == pytest.approx(own.loss_)


# Codes ---------------------------------------------------------------------------------


def boosted(**params):
    xgboost = pytest.importorskip("xgboost")
    return xgboost.XGBClassifier(**{"n_estimators": 5, "n_jobs": 1, **params})


@pytest.mark.parametrize("labels", [NUMBERS, np.array([1, 2, 3]), np.array([5.0, 7.0, 9.0])])
@pytest.mark.parametrize("cv", [None, 3])
def test_xgboost_teaches_labels_that_it_cannot_hold(labels, cv):
    y = labels[CODES]
    for teacher in (
        boosted(),
        [("xgb", boosted()), ("forest", FOREST)],
        make_pipeline(StandardScaler(), boosted()),
        GridSearchCV(boosted(), {"max_depth": [2]}, cv=2),
        BaggingClassifier(boosted(), 2, random_state=0),
    ):
        kd = DistilledClassifier(teacher, DecisionTreeClassifier(max_depth=3), cv=cv)
        kd.fit(X, y)
        taught = kd.classes_[kd.teacher_predict_proba(X).argmax(axis=1)]
        assert np.mean(taught == y) > 0.9
        assert np.mean(kd.predict(X) == y) > 0.9


def test_a_fold_without_a_middle_class_is_learned_by_xgboost_too():
    y, groups = NUMBERS[CODES], CODES  # each fold holds one class out
    splits = list(LeaveOneGroupOut().split(X, y, groups))
    with pytest.warns(UserWarning, match="lack a class of y"):
        proba = label_rows(boosted(), X, y, np.unique(y), cv=splits).proba
    own = np.unique(y)[:, None] == y
    assert_allclose(proba.T[own], 0)
    assert_allclose(proba.sum(axis=1), 1)


def test_a_frozen_xgboost_of_other_classes_is_refused():
    four = np.arange(150) % 4
    teacher = FrozenEstimator(boosted().fit(X, four))
    with pytest.raises(ValueError, match="does not know the classes"):
        DistilledClassifier(teacher, GaussianNB()).fit(X, NUMBERS[CODES])
    fitted = FrozenEstimator(boosted().fit(X, CODES))
    kd = DistilledClassifier(fitted, GaussianNB()).fit(X, np.array(["a", "b", "c"])[CODES])
    assert kd.score(X, np.array(["a", "b", "c"])[CODES]) > 0.9


def test_an_error_of_a_list_names_the_member():
    members = [("good", GaussianNB()), ("bad", boosted(max_depth=-3))]
    with pytest.raises(Exception, match="max_depth") as told:
        DistilledClassifier(members, GaussianNB()).fit(X, CODES)
    assert any("called 'bad'" in note for note in told.value.__notes__)


@pytest.mark.parametrize("temperature", [1.0, 2.0])
def test_xgboost_students_off_the_direct_path_keep_the_encoding(temperature):
    xgboost = pytest.importorskip("xgboost")

    class Own(xgboost.XGBClassifier):
        pass

    y2, y3 = np.array(["n", "p"])[np.minimum(CODES, 1)], NUMBERS[CODES]
    for student, y in (
        (xgboost.XGBRFClassifier(n_estimators=5, n_jobs=1), y3),
        (Own(n_estimators=5, n_jobs=1), y3),
        (boosted(objective="binary:hinge"), y2),
        (boosted(objective="binary:logitraw", n_estimators=30), y2),
    ):
        kd = DistilledClassifier(FOREST, student, temperature)
        kd.fit(X, y, eval_set=[(X[::5], y[::5])], verbose=False)
        assert kd.fit_path_ == "label-reduction"
        assert type(kd.student_) is type(student)
        assert np.mean(kd.predict(X) == y) > 0.9
        assert np.mean(kd.classes_[kd.predict_proba(X).argmax(axis=1)] == y) > 0.9


def test_what_encodes_labels_itself_is_handed_them():
    assert knows_codes_only(make_pipeline(StandardScaler(), boosted()))
    assert knows_codes_only(GridSearchCV(boosted(), {}))
    assert not knows_codes_only(BaggingClassifier(boosted()))
    assert not knows_codes_only(GaussianNB())


# Other meanings ------------------------------------------------------------------------


def test_scores_of_pairs_of_classes_are_refused_by_name():
    student = DecisionTreeClassifier(max_depth=3)
    with pytest.raises(ValueError, match="decision_function_shape='ovr'"):
        DistilledClassifier(SVC(decision_function_shape="ovo"), student).fit(X, CODES)
    fitted = SVC(decision_function_shape="ovo").fit(X, CODES)
    with pytest.raises(ValueError, match="no scores of the classes"):
        ask(fitted, X, np.unique(CODES))
    two = CODES < 2
    teacher = SVC(decision_function_shape="ovo")
    assert DistilledClassifier(teacher, student).fit(X[two], CODES[two]).score(X, CODES) > 0.6


def nothing(y_true, raw):
    return np.zeros_like(raw) + 0.1, np.ones_like(raw)


@pytest.mark.parametrize("role", ["teacher", "student"])
def test_raw_scores_of_lightgbm_are_refused_by_name(role):
    lightgbm = pytest.importorskip("lightgbm")
    scored = lightgbm.LGBMClassifier(n_estimators=2, objective=nothing, verbose=-1)
    parts = {"teacher": FOREST, "student": GaussianNB()} | {role: scored}
    with pytest.raises(ValueError, match=f"{role}=LGBMClassifier with the callable objective"):
        DistilledClassifier(**parts).fit(X, CODES)


def test_logits_and_one_against_all_probabilities_are_read_as_what_they_are():
    lightgbm = pytest.importorskip("lightgbm")
    two = np.minimum(CODES, 1)
    plain, raw = boosted().fit(X, two), boosted(objective="binary:logitraw").fit(X, two)
    assert_allclose(ask(raw, X, np.arange(2)), plain.predict_proba(X), atol=5e-3)
    each = lightgbm.LGBMClassifier(n_estimators=5, objective="multiclassova", verbose=-1)
    proba = ask(each.fit(X, CODES), X, np.arange(3))
    assert_allclose(proba.sum(axis=1), 1)
    assert_array_equal(proba.argmax(axis=1), each.predict(X))


# Validation data -----------------------------------------------------------------------


def lightgbm_with_eval_X():
    lightgbm = pytest.importorskip("lightgbm")
    if "eval_X" not in inspect.signature(lightgbm.LGBMClassifier.fit).parameters:
        pytest.skip("this LightGBM takes eval_set only")
    return lightgbm


@pytest.mark.filterwarnings("ignore:.*eval_set.*deprecated")
@pytest.mark.parametrize("temperature", [1.0, 2.0])
@pytest.mark.parametrize(
    "labels", [np.array([1, 2, 3]), NUMBERS, np.array([1, 2]), NUMBERS[:2]]
)
def test_lightgbm_reads_validation_labels_in_the_users_coding(labels, temperature):
    lightgbm = lightgbm_with_eval_X()
    y = labels[np.minimum(CODES, len(labels) - 1)]
    codes = np.unique(y, return_inverse=True)[1]
    held, rest = slice(None, None, 3), np.arange(150) % 3 > 0

    def fitted(y, **data):
        student = lightgbm.LGBMClassifier(n_estimators=30, verbose=-1, n_jobs=1)
        stop = lightgbm.early_stopping(3, verbose=False)
        kd = DistilledClassifier(FOREST, student, temperature, 0.5, random_state=0)
        return kd.fit(X[rest], y[rest], callbacks=[stop], **data).student_

    one = fitted(y, eval_X=X[held], eval_y=y[held])
    expected = fitted(codes, eval_X=X[held], eval_y=codes[held])
    assert one.best_iteration_ == expected.best_iteration_ > 1
    assert one.evals_result_ == expected.evals_result_
    assert fitted(y, eval_X=(X[held],), eval_y=(y[held],)).evals_result_ == one.evals_result_
    assert fitted(y, eval_set=[(X[held], y[held])]).evals_result_ == one.evals_result_


def test_a_validation_label_that_y_does_not_hold_is_named():
    lightgbm = lightgbm_with_eval_X()
    student = lightgbm.LGBMClassifier(n_estimators=5, verbose=-1)
    kd = DistilledClassifier(FOREST, student)
    with pytest.raises(ValueError, match=r"eval_y holds the labels \['other'\]"):
        kd.fit(X, NUMBERS[CODES], eval_X=X[:2], eval_y=np.array(["1", "other"]))


def test_catboost_takes_validation_data_as_a_pool():
    catboost = pytest.importorskip("catboost")
    y = np.array(["n", "p"])[np.minimum(CODES, 1)]
    student = catboost.CatBoostClassifier(iterations=5, verbose=0, allow_writing_files=False)
    pool = catboost.Pool(X[::3], y[::3])
    kd = DistilledClassifier(FOREST, student, 1.0).fit(X, y, eval_set=pool)
    assert kd.score(X, y) > 0.9
    assert kd.student_.get_evals_result()["validation"]


def test_probabilities_of_two_models_are_compared_by_the_names_of_their_columns():
    proba = pd.DataFrame(GaussianNB().fit(X, CODES).predict_proba(X), columns=["a", "b", "c"])
    assert kl_divergence(proba, proba[["c", "a", "b"]]) == pytest.approx(0)


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_auto_distiller_judges_models_of_other_orders_and_codes_by_their_classes():
    catboost = pytest.importorskip("catboost")
    quiet = {"verbose": 0, "allow_writing_files": False, "thread_count": 1}
    students = [
        ("tree", DecisionTreeClassifier(max_depth=3)),
        ("cat", catboost.CatBoostClassifier(iterations=8, **quiet)),
        ("xgb", boosted()),
    ]
    auto = AutoDistiller(boosted(), students, n_trials=1, random_state=0)
    auto.fit(X, NUMBERS[CODES])
    board = auto.leaderboard_.to_frame()
    assert not board["error"].any()
    assert {"teacher", "tree", "cat", "cat, plain", "xgb"} <= set(board["name"])
    assert board["accuracy"].min() > 0.8
    assert auto.score(X, NUMBERS[CODES]) > 0.9
