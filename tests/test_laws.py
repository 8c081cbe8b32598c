"""Laws that every registered family obeys; a new family is tested by being registered.

A family with a refiner obeys them refined too.
"""

import pickle
import subprocess
import sys
import textwrap

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier
from tasks import blurred_task

from skdistill import DistilledClassifier
from skdistill._estimators._params import unset_seeds
from skdistill.loss import CombinedLoss, logits
from skdistill.students import _registry, available, fit_student

# Smaller than the defaults where those are slow or chatty
SMALL = {
    "AdaBoostClassifier": {"n_estimators": 10},
    "BaggingClassifier": {"estimator": DecisionTreeClassifier(max_depth=3), "n_estimators": 5},
    "CatBoostClassifier": {
        "n_estimators": 10,
        "verbose": 0,
        "allow_writing_files": False,
        "thread_count": 1,
    },
    "ExtraTreesClassifier": {"n_estimators": 5},
    "GradientBoostingClassifier": {"n_estimators": 10},
    "HistGradientBoostingClassifier": {"max_iter": 20},
    "LGBMClassifier": {"n_estimators": 20, "verbose": -1, "n_jobs": 1},
    "LogisticRegression": {"tol": 1e-8, "max_iter": 1000},
    "MLPClassifier": {"hidden_layer_sizes": (16,), "learning_rate_init": 0.01},
    "RandomForestClassifier": {"n_estimators": 5},
    "XGBClassifier": {"n_estimators": 20, "n_jobs": 1},
}
MADE = {
    "Pipeline": Pipeline(
        [("scale", StandardScaler()), ("lr", LogisticRegression(tol=1e-8, max_iter=1000))]
    )
}
FAMILIES = {
    name: MADE[name] if name in MADE else cls(**SMALL.get(name, {}))
    for name, cls in available().items()
}
GENERAL = SGDClassifier(loss="log_loss", alpha=1e-3, max_iter=50, tol=None)
REFINED = {
    f"{name}, refined": student
    for name, student in FAMILIES.items()
    if name != "Pipeline" and _registry._family(student).refine is not None
}
STUDENTS = {**FAMILIES, "the general path": GENERAL, **REFINED}
HOLDS_CODES_ONLY = {name for name in STUDENTS if name.startswith("XGB")}
# a small dose of shrunken trees falls short of the distribution it aims at
SHRINKS = {name for name in STUDENTS if "Boost" in name or name.startswith(("LGB", "XGB"))}

# the MLP's training is cut short here
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

every_student = pytest.mark.parametrize("name", STUDENTS)
both_numbers_of_classes = pytest.mark.parametrize("n_classes", [2, 3])


def classes_of(n_classes):
    return np.array(["ant", "bee", "cat"][:n_classes])


def native(name, X, y, sample_weight=None):
    """What the student's own ``fit`` gives, with the seeds that `fit_student` sets."""
    student = clone(STUDENTS[name])
    unset_seeds(student, 0)
    labels = y if name in HOLDS_CODES_ONLY else classes_of(y.max() + 1)[y]
    key = "lr__sample_weight" if name == "Pipeline" else "sample_weight"
    return student.fit(X, labels, **({} if sample_weight is None else {key: sample_weight}))


def distil(name, X, loss, student=None):
    student = STUDENTS[name] if student is None else student
    return fit_student(student, X, loss, refine=name in REFINED, random_state=0).student


def total_loss(loss, student, X):
    return loss.parts(logits(student.predict_proba(X))).total


@every_student
@both_numbers_of_classes
def test_one_hot_labels_at_temperature_one_give_the_native_fit(name, n_classes):
    X, y, _ = blurred_task(n_classes, 240)
    loss = CombinedLoss(np.eye(n_classes)[y], y, alpha=0.5, classes=classes_of(n_classes))
    expected = native(name, X, y).predict_proba(X)
    assert_allclose(distil(name, X, loss).predict_proba(X), expected, atol=1e-5)


@every_student
@both_numbers_of_classes
def test_alpha_zero_is_the_plain_student(name, n_classes):
    X, y, proba = blurred_task(n_classes, 240)
    loss = CombinedLoss(proba, y, alpha=0, temperature=3, classes=classes_of(n_classes))
    expected = native(name, X, y)
    student = distil(name, X, loss)
    assert_allclose(student.predict_proba(X), expected.predict_proba(X), atol=1e-5)
    assert_array_equal(student.predict(X), expected.predict(X))


@every_student
def test_alpha_zero_with_integer_weights_predicts_as_the_plain_student(name):
    X, y, proba = blurred_task(2, 240)
    weight = np.random.default_rng(0).integers(1, 4, len(y)).astype(float)
    loss = CombinedLoss(
        proba, y, alpha=0, temperature=3, sample_weight=weight, classes=classes_of(2)
    )
    expected = native(name, X, y, weight).predict_proba(X)
    assert_allclose(distil(name, X, loss).predict_proba(X), expected, atol=1e-5)


@every_student
def test_a_noise_teacher_matters_only_where_alpha_is_positive(name):
    X, y, proba = blurred_task(3, 240)
    noise = np.random.default_rng(7).permutation(proba)

    def fitted(labels, alpha):
        loss = CombinedLoss(labels, y, alpha=alpha, temperature=2.0)
        return distil(name, X, loss).predict_proba(X)

    assert_array_equal(fitted(proba, 0), fitted(noise, 0))
    assert np.abs(fitted(proba, 0.5) - fitted(noise, 0.5)).max() > 1e-3


@every_student
@both_numbers_of_classes
@pytest.mark.parametrize("temperature", [0.5, 1, 4])
def test_the_student_is_plain_and_beats_the_best_constant(name, n_classes, temperature):
    X, y, proba = blurred_task(n_classes, 240)
    classes = classes_of(n_classes)
    loss = CombinedLoss(proba, y, temperature=temperature, classes=classes)
    student = distil(name, X, loss)
    assert type(student) is type(STUDENTS[name])
    assert str(student.get_params()) == str(STUDENTS[name].get_params())
    assert_array_equal(
        student.classes_, np.arange(n_classes) if name in HOLDS_CODES_ONLY else classes
    )
    constant = np.tile(loss.constant(), (len(y),) if n_classes == 2 else (len(y), 1))
    assert total_loss(loss, student, X) < loss.parts(constant).total


@every_student
def test_temperature_three_lowers_the_loss_at_temperature_three(name):
    X, y, proba = blurred_task(3, 240)
    loss = CombinedLoss(proba, y, temperature=3.0, alpha=0.7)
    at_one = distil(name, X, CombinedLoss(proba, y, temperature=1.0, alpha=0.7))
    at_three = distil(name, X, loss)
    assert total_loss(loss, at_three, X) <= total_loss(loss, at_one, X) + 1e-9


@every_student
def test_many_classes_are_no_cause_to_warn(name):
    X, y, _ = blurred_task(2, 240)
    labels = np.array(list("abcdefghijklmnopqrstuvwxyz"))
    y = np.arange(len(y)) % len(labels)
    classes = np.arange(len(labels)) if name in HOLDS_CODES_ONLY else labels
    loss = CombinedLoss(0.5 * np.eye(26)[y] + 0.5 / 26, y, temperature=2, classes=classes)
    assert len(distil(name, X, loss).classes_) == 26


@every_student
@pytest.mark.parametrize("temperature", [1, 3])
def test_integer_weights_are_repeated_rows_where_they_are_natively(name, temperature):
    X, y, proba = blurred_task(2, 240)
    weight = np.random.default_rng(0).integers(0, 3, len(y))
    X2, y2, proba2 = (np.repeat(a, weight, axis=0) for a in (X, y, proba))
    gap = native(name, X, y, weight.astype(float)).predict_proba(X)
    gap = np.abs(gap - native(name, X2, y2).predict_proba(X)).max()
    weighted = CombinedLoss(proba, y, temperature=temperature, sample_weight=weight)
    repeated = CombinedLoss(proba2, y2, temperature=temperature)
    own = distil(name, X, weighted).predict_proba(X) - distil(
        name, X2, repeated
    ).predict_proba(X)
    assert np.abs(own).max() <= max(3 * gap, 1e-5)


@every_student
def test_a_known_conditional_distribution_is_recovered(name):
    truth = np.array([[0.7, 0.2, 0.1], [0.1, 0.6, 0.3], [0.2, 0.2, 0.6]])
    group = np.arange(300) % 3
    X = np.eye(3)[group] + 0.01 * np.random.default_rng(0).normal(size=(300, 3))
    y = np.array([np.repeat([0, 1, 2], np.round(100 * t).astype(int)) for t in truth])
    loss = CombinedLoss(truth[group], y.T.ravel(), alpha=1.0)
    student = clone(STUDENTS[name])
    enough = {"n_estimators": 100, "max_iter": 100} if name in SHRINKS else {}
    taken = student.get_params(deep=False)
    student.set_params(**{key: value for key, value in enough.items() if key in taken})
    proba = distil(name, X, loss, student).predict_proba(X)
    assert np.abs(proba - truth[group]).mean() < 0.01


@pytest.fixture(scope="module")
def revived(tmp_path_factory):
    """Probabilities of every student, unpickled where skdistill cannot be imported."""
    folder = tmp_path_factory.mktemp("students")
    X, y, proba = blurred_task(3, 240)
    np.save(folder / "X.npy", X)
    loss = CombinedLoss(proba, y, temperature=2.0, classes=classes_of(3))
    fitted = {name: distil(name, X, loss) for name in STUDENTS}
    for name, student in fitted.items():
        (folder / f"{name}.pickle").write_bytes(pickle.dumps(student))
    program = """
        import pathlib, pickle, sys
        sys.modules["skdistill"] = None
        import numpy as np
        folder = pathlib.Path(sys.argv[1])
        X = np.load(folder / "X.npy")
        for file in folder.glob("*.pickle"):
            student = pickle.loads(file.read_bytes())
            np.save(file.with_suffix(".npy"), student.predict_proba(X))
    """
    command = [sys.executable, "-c", textwrap.dedent(program), str(folder)]
    subprocess.run(command, check=True)
    return X, fitted, {name: np.load(folder / f"{name}.npy") for name in fitted}


@every_student
def test_the_student_predicts_where_skdistill_cannot_be_imported(name, revived):
    X, fitted, probabilities = revived
    assert_array_equal(probabilities[name], fitted[name].predict_proba(X))


@every_student
def test_a_clone_of_the_student_can_be_fitted_natively_again(name, revived):
    X, y, _ = blurred_task(3, 240)
    _, fitted, _ = revived
    again = clone(fitted[name]).fit(X, y)
    assert_allclose(again.predict_proba(X).sum(axis=1), 1, atol=1e-5)


@every_student
def test_no_training_row_is_left_inside_the_student(name):
    X, y, proba = blurred_task(2, 3000)
    student = clone(STUDENTS[name])
    if "max_depth" in student.get_params(deep=False):
        student.set_params(max_depth=3)
    plain = pickle.dumps(clone(student).fit(X, y))
    loss = CombinedLoss(proba, y, temperature=2.0, alpha=0.3)
    distilled = pickle.dumps(distil(name, X, loss, student))
    assert b"skdistill" not in distilled
    assert len(distilled) < len(plain) + 8 * len(y)


@every_student
def test_generated_rows_teach_every_family_and_leave_it_plain(name):
    X, y, _ = blurred_task(3, 240)
    model = DistilledClassifier(
        GaussianNB(), STUDENTS[name], alpha=0.8, transfer="munge", random_state=0
    )
    student = model.set_params(transfer_size=2.0).fit(X, y).student_
    assert type(student) is type(STUDENTS[name])
    assert str(student.get_params()) == str(STUDENTS[name].get_params())
    assert b"skdistill" not in pickle.dumps(student)
    prior = np.log(3)  # nats: the classes are balanced
    assert model.loss_.hard < prior
    alone = model.set_params(transfer=None).fit(X, y).student_
    assert not np.array_equal(alone.predict_proba(X), student.predict_proba(X))
