"""All leaves of an additive ensemble together: descent, the optimum, and every family."""

import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy.optimize import minimize
from sklearn.base import clone
from sklearn.metrics import log_loss
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from tasks import blurred_task

from skdistill.loss import CombinedLoss, logits
from skdistill.students import Unsupported, available, fit_student, refine_pays
from skdistill.students._additive import LeafIndicators, Together, most_leaves, solve_leaves

# The convex problem -------------------------------------------------------------------


def problem(n_classes, sizes=(4, 3, 5), n_samples=80, seed=0, one_tree_of_all=False, **params):
    """Leaves of each row, values and columns of small trees; a loss; an offset."""
    rng = np.random.default_rng(seed)
    n_columns = n_classes if n_classes > 2 else 1
    trees = []
    for size in sizes:
        for column in [None] if one_tree_of_all else range(n_columns):
            n_outputs = n_columns if column is None else 1
            leaf = rng.integers(size, size=n_samples)
            trees.append((leaf, rng.normal(size=(size, n_outputs)), column))
    proba = rng.dirichlet(np.full(n_classes, 0.5), size=n_samples)
    y = rng.integers(n_classes, size=n_samples)
    loss = CombinedLoss(proba, y, **({"alpha": 0.7} | params))
    return trees, loss, rng.normal(size=n_columns)


def told(trees, values, offset, n_samples):
    """Raw predictions, tree by tree."""
    raw = np.tile(offset, (n_samples, 1))
    for (leaf, _, column), value in zip(trees, values, strict=True):
        raw[:, slice(None) if column is None else [column]] += value[leaf]
    return raw


def solved(trees, loss, offset, **params):
    indicators = LeafIndicators()
    for leaf, value, column in trees:
        indicators.append(leaf, len(value), column)
    start = [value for _, value, _ in trees]
    raw = np.asfortranarray(told(trees, start, offset, loss.n_samples))
    return solve_leaves(loss, indicators, start, raw, **params)


def objective(trees, values, loss, offset, ridge):
    move = sum(
        ((v - start) ** 2).sum() for v, (_, start, _) in zip(values, trees, strict=True)
    )
    value = loss.value_and_gradient(told(trees, values, offset, loss.n_samples))[0]
    return loss.total_weight * value + ridge / 2 * move


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
@pytest.mark.parametrize("one_tree_of_all", [False, True])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_the_optimum_is_that_of_an_independent_solver(n_classes, one_tree_of_all, temperature):
    trees, loss, offset = problem(
        n_classes, one_tree_of_all=one_tree_of_all, temperature=temperature
    )
    shapes = [value.shape for _, value, _ in trees]
    ends = np.cumsum([value.size for _, value, _ in trees])[:-1]

    def of_flat(flat):
        parts = np.split(flat, ends)
        values = [part.reshape(shape) for part, shape in zip(parts, shapes, strict=True)]
        return objective(trees, values, loss, offset, ridge=2.0)

    start = np.concatenate([value.ravel() for _, value, _ in trees])
    expected = minimize(of_flat, start, method="BFGS", options={"gtol": 1e-6})
    values, raw = solved(trees, loss, offset, ridge=2.0, max_iter=500, tol=0)
    found = objective(trees, values, loss, offset, ridge=2.0)
    assert found <= expected.fun + 1e-7
    assert_allclose(np.concatenate([v.ravel() for v in values]), expected.x, atol=1e-4)
    assert_allclose(raw, told(trees, values, offset, loss.n_samples), atol=1e-12)


@settings(deadline=None)
@given(
    n_classes=st.integers(2, 4),
    sizes=st.lists(st.integers(1, 6), min_size=1, max_size=5),
    temperature=st.sampled_from([0.3, 1.0, 3.0, 10.0]),
    alpha=st.sampled_from([0.0, 0.3, 1.0]),
    ridge=st.sampled_from([0.0, 1.0, 50.0]),
    steps=st.sampled_from([1, 3, 20]),
    seed=st.integers(0, 1000),
)
def test_the_loss_never_rises(n_classes, sizes, temperature, alpha, ridge, steps, seed):
    trees, loss, offset = problem(
        n_classes, sizes, seed=seed, temperature=temperature, alpha=alpha
    )
    before = told(trees, [value for _, value, _ in trees], offset, loss.n_samples)
    _, raw = solved(trees, loss, offset, ridge=ridge, max_iter=steps)
    start, end = loss.parts(before).total, loss.parts(raw).total
    assert end <= start + 1e-12 * max(abs(start), 1)


@settings(deadline=None)
@given(seed=st.integers(0, 1000), blow=st.sampled_from([0.1, 1.0, 30.0, -8.0]))
def test_a_growing_ensemble_lowers_the_loss_round_by_round(seed, blow):
    trees, loss, offset = problem(3, (4, 4, 4, 4, 4), seed=seed, temperature=2.0)
    together = Together(loss, offset)
    for first in range(0, len(trees), 3):
        for leaf, value, column in trees[first : first + 3]:
            together.append(leaf, blow * value, column)
        together.end_round()
    together.finish()
    totals = np.array([parts.total for parts in together.curve])
    assert len(totals) == 7
    assert np.all(np.diff(totals) <= 1e-12)
    assert_allclose(together.raw, told(trees, together.values, offset, 80), atol=1e-9)


def test_integer_weights_are_repeated_rows():
    trees, loss, offset = problem(3)
    weight = np.random.default_rng(1).integers(0, 4, loss.n_samples)
    often = np.repeat(np.arange(loss.n_samples), weight)
    repeated = CombinedLoss(loss.soft_labels[often], loss.y[often], alpha=0.7)
    again = [(leaf[often], value, column) for leaf, value, column in trees]
    by_weight, _ = solved(trees, loss.reweight(weight), offset, max_iter=300, tol=0)
    by_rows, _ = solved(again, repeated, offset, max_iter=300, tol=0)
    for one, other in zip(by_weight, by_rows, strict=True):
        assert_allclose(one, other, atol=1e-6)


def test_a_leaf_that_no_row_reaches_stays_and_a_heavy_ridge_holds_all():
    trees, loss, offset = problem(2, (6, 6))
    trees = [(np.minimum(leaf, 4), value, column) for leaf, value, column in trees]
    values, _ = solved(trees, loss, offset)
    assert_array_equal([v[5] for v in values], [start[5] for _, start, _ in trees])
    held, _ = solved(trees, loss, offset, ridge=1e9)
    for value, (_, start, _) in zip(held, trees, strict=True):
        assert_allclose(value, start, atol=1e-5)


def test_joint_leaves_are_the_leaves_of_the_trees_one_by_one():
    trees, loss, _ = problem(3, (7, 2, 5, 3), n_samples=3000)
    joint, alone = LeafIndicators(), [LeafIndicators() for _ in trees]
    for own, (leaf, value, column) in zip(alone, trees, strict=True):
        joint.append(leaf, len(value), column)
        own.append(leaf, len(value), column)
    gradient = loss.gradient(np.zeros(loss.raw_shape))
    for own, sums in zip(alone, joint.sums(gradient), strict=True):
        assert_allclose(own.sums(gradient)[0], sums, atol=1e-12)
    assert len(joint._groups) < len(trees)


def test_trees_of_one_leaf_have_no_end():
    trees, loss, offset = problem(2, (1,) * 100, n_samples=40)
    before = told(trees, [value for _, value, _ in trees], offset, 40)
    _, raw = solved(trees, loss, offset)
    assert loss.parts(raw).total < loss.parts(before).total


# Every family -------------------------------------------------------------------------

SMALL = {
    "CatBoostClassifier": {
        "iterations": 12, "depth": 3, "verbose": 0, "allow_writing_files": False,
        "thread_count": 1,
    },
    "GradientBoostingClassifier": {"n_estimators": 12},
    "HistGradientBoostingClassifier": {"max_iter": 12, "max_leaf_nodes": 8},
    "LGBMClassifier": {"n_estimators": 12, "num_leaves": 8, "verbose": -1, "n_jobs": 1},
    "XGBClassifier": {"n_estimators": 12, "max_depth": 3, "n_jobs": 1},
}  # fmt: skip
FAMILIES = {name: available()[name](**SMALL[name]) for name in SMALL if name in available()}
CODES_ONLY = {"XGBClassifier"}
every_family = pytest.mark.parametrize("name", FAMILIES)
both_numbers_of_classes = pytest.mark.parametrize("n_classes", [2, 3])


def classes_of(name, n_classes):
    names = np.array(["ant", "bee", "cat"][:n_classes])
    return np.arange(n_classes) if name in CODES_ONLY else names


def refined(name, X, loss, fit_params=None, **params):
    student = clone(FAMILIES[name]).set_params(**params)
    return fit_student(student, X, loss, refine=True, random_state=0, **(fit_params or {}))


@every_family
@both_numbers_of_classes
@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_leaves_together_lower_the_loss_of_the_fit(name, n_classes, temperature):
    X, y, proba = blurred_task(n_classes, 400)
    loss = CombinedLoss(proba, y, temperature=temperature, alpha=0.7)
    plain = fit_student(FAMILIES[name], X, loss, random_state=0).student
    fitted = refined(name, X, loss)
    end = loss.parts(logits(fitted.student.predict_proba(X))).total
    assert fitted.path == "direct+together"
    assert end < loss.parts(logits(plain.predict_proba(X))).total
    assert end == pytest.approx(fitted.curve[-1].total, rel=1e-5)
    assert np.all(np.diff([parts.total for parts in fitted.curve]) <= 1e-9)
    assert fitted.student.get_params() == FAMILIES[name].get_params()
    assert type(fitted.student) is type(FAMILIES[name])


@every_family
@both_numbers_of_classes
def test_labels_alone_give_the_plain_student(name, n_classes):
    X, y, proba = blurred_task(n_classes, 400)
    classes = classes_of(name, n_classes)
    for loss in (
        CombinedLoss(np.eye(n_classes)[y], y, alpha=0.5, classes=classes),
        CombinedLoss(proba, y, alpha=0, temperature=3, classes=classes),
    ):
        plain = fit_student(FAMILIES[name], X, loss, random_state=0).student
        own = refined(name, X, loss)
        assert "together" not in own.path
        assert_array_equal(own.student.predict_proba(X), plain.predict_proba(X))


@every_family
def test_a_rate_of_one_is_safe_with_several_classes(name):
    X, y, proba = blurred_task(3, 400)
    loss = CombinedLoss(proba, y, alpha=0.7)
    fitted = refined(name, X, loss, learning_rate=1.0)
    constant = loss.parts(np.tile(loss.constant(), (len(y), 1))).total
    assert fitted.curve[-1].total < 0.7 * constant


@every_family
def test_class_weight_and_row_weights_reach_the_leaves(name):
    X, y, proba = blurred_task(2, 400)
    weight = np.random.default_rng(2).uniform(0.5, 2, len(y))
    loss = CombinedLoss(proba, y, alpha=0.7, sample_weight=weight)
    fitted = refined(name, X, loss)
    end = loss.parts(logits(fitted.student.predict_proba(X))).total
    assert end == pytest.approx(fitted.curve[-1].total, rel=1e-5)
    light = refined(name, X, loss.reweight(np.where(y == 1, 1, 0.1))).student
    assert light.predict_proba(X)[:, 1].mean() > fitted.student.predict_proba(X)[:, 1].mean()


@every_family
def test_missing_values_are_no_matter(name):
    if name == "GradientBoostingClassifier":
        pytest.skip("takes none")
    X, y, proba = blurred_task(3, 400)
    X[np.random.default_rng(0).uniform(size=X.shape) < 0.1] = np.nan
    loss = CombinedLoss(proba, y, temperature=2.0, alpha=0.7)
    fitted = refined(name, X, loss)
    end = loss.parts(logits(fitted.student.predict_proba(X))).total
    assert end == pytest.approx(fitted.curve[-1].total, rel=1e-5)


CATEGORIES = {
    "HistGradientBoostingClassifier": {"categorical_features": "from_dtype"},
    "LGBMClassifier": {},
    "XGBClassifier": {"enable_categorical": True},
    "CatBoostClassifier": {},
}


@pytest.mark.parametrize("name", [name for name in FAMILIES if name in CATEGORIES])
def test_categories_of_a_frame_reach_the_leaves_that_predict(name):
    X, y, proba = blurred_task(3, 400)
    frame = pd.DataFrame(X, columns=[*"abcdef"])
    colours = np.array(["red", "green", "blue", "grey"])
    frame["colour"] = pd.Categorical(colours[(y + (X[:, 0] > 0)) % 4])
    loss = CombinedLoss(proba, y, temperature=2.0, alpha=0.7)
    fit_params = {"cat_features": ["colour"]} if name == "CatBoostClassifier" else {}
    fitted = refined(name, frame, loss, fit_params, **CATEGORIES[name])
    end = loss.parts(logits(fitted.student.predict_proba(frame))).total
    assert end == pytest.approx(fitted.curve[-1].total, rel=1e-5)


SAMPLED = {
    "CatBoostClassifier": {"subsample": 0.7, "bootstrap_type": "Bernoulli"},
    "GradientBoostingClassifier": {"subsample": 0.7, "max_features": 3},
    "HistGradientBoostingClassifier": {
        "max_features": 0.5, "interaction_cst": [{0, 1, 2}, {3, 4, 5}],
    },
    "LGBMClassifier": {"subsample": 0.7, "subsample_freq": 1, "colsample_bytree": 0.5},
    "XGBClassifier": {"subsample": 0.7, "colsample_bynode": 0.5, "num_parallel_tree": 2},
}  # fmt: skip


@every_family
@both_numbers_of_classes
def test_sampled_rows_and_columns_grow_the_trees_and_all_rows_solve_them(name, n_classes):
    X, y, proba = blurred_task(n_classes, 400)
    loss = CombinedLoss(proba, y, alpha=0.7)
    fitted = refined(name, X, loss, **SAMPLED[name])
    again = refined(name, X, loss, **SAMPLED[name])
    end = loss.parts(logits(fitted.student.predict_proba(X))).total
    assert end == pytest.approx(fitted.curve[-1].total, rel=1e-5)
    assert_array_equal(again.student.predict_proba(X), fitted.student.predict_proba(X))


REFUSED = {
    "CatBoostClassifier": [
        {"monotone_constraints": "(1,0,0,0,0,0)"}, {"langevin": True},
        {"model_shrink_rate": 0.1},
    ],
    "GradientBoostingClassifier": [{"learning_rate": 0.0}],
    "HistGradientBoostingClassifier": [{"monotonic_cst": [1, 0, 0, 0, 0, 0]}],
    "LGBMClassifier": [
        {"monotone_constraints": [1, 0, 0, 0, 0, 0]}, {"boosting_type": "dart"},
        {"max_delta_step": 0.3}, {"path_smooth": 1.0},
    ],
    "XGBClassifier": [
        {"monotone_constraints": (1, 0, 0, 0, 0, 0)}, {"booster": "dart"},
        {"max_delta_step": 1},
    ],
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "params"), [(name, params) for name in FAMILIES for params in REFUSED[name]]
)
def test_what_leaves_cannot_honour_is_refused_by_name_and_left_alone_under_auto(name, params):
    X, y, proba = blurred_task(2, 400)
    loss = CombinedLoss(proba, y, alpha=0.7)
    with pytest.raises(Unsupported, match=next(iter(params))):
        refined(name, X, loss, **params)
    student = clone(FAMILIES[name]).set_params(**params)
    plain = fit_student(student, X, loss, random_state=0)
    auto = fit_student(student, X, loss, refine="auto", random_state=0)
    assert auto.path == plain.path
    assert_array_equal(auto.student.predict_proba(X), plain.student.predict_proba(X))


@every_family
def test_auto_solves_leaves_where_rows_are_enough(name):
    X, y, proba = blurred_task(2, 400)
    few = CombinedLoss(proba[:200], y[:200])
    student = FAMILIES[name]
    assert not refine_pays(student, few)
    assert fit_student(student, X, CombinedLoss(proba, y), refine="auto").path.endswith(
        "together"
    )
    assert "together" not in fit_student(student, X[:200], few, refine="auto").path


@pytest.mark.parametrize(
    ("max_depth", "max_leaves", "most"),
    [(3, None, 8), (None, 31, 31), (3, 31, 8), (-1, 31, 31), (0, 5, 5), (None, None, np.inf)],
)
def test_the_most_leaves_of_a_tree(max_depth, max_leaves, most):
    assert most_leaves(max_depth, max_leaves) == most


@every_family
def test_a_pipeline_solves_the_leaves_of_its_last_step(name):
    X, y, proba = blurred_task(2, 400)
    loss = CombinedLoss(proba, y, alpha=0.7)
    pipeline = make_pipeline(StandardScaler(), clone(FAMILIES[name]))
    fitted = fit_student(pipeline, X, loss, refine=True, random_state=0)
    assert fitted.path == "direct+together"
    assert fit_student(pipeline, X, loss, refine="auto", random_state=0).path == fitted.path


def test_a_pipeline_whose_last_step_refuses_is_fitted_as_without_under_auto():
    X, y, proba = blurred_task(2, 400)
    student = clone(FAMILIES["HistGradientBoostingClassifier"])
    student.set_params(monotonic_cst=[1, 0, 0, 0, 0, 0])
    pipeline = make_pipeline(StandardScaler(), student)
    loss = CombinedLoss(proba, y, alpha=0.7)
    assert fit_student(pipeline, X, loss, refine="auto", random_state=0).path == "direct"
    with pytest.raises(Unsupported, match="monotonic_cst"):
        fit_student(pipeline, X, loss, refine=True, random_state=0)


# Held-out rows ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["HistGradientBoostingClassifier", "GradientBoostingClassifier"]
)
def test_rows_that_early_stopping_holds_out_are_not_fitted(name):
    X, y, proba = blurred_task(2, 600)
    stop = {
        "HistGradientBoostingClassifier": {"early_stopping": True, "n_iter_no_change": 50},
        "GradientBoostingClassifier": {"n_iter_no_change": 50},
    }[name]
    loss = CombinedLoss(proba, y, alpha=1.0)
    fitted = refined(name, X, loss, **stop).student
    # a row is held out if other targets for it change no leaf
    other = []
    for row in range(40):
        moved = proba.copy()
        moved[row] = 1 - moved[row]
        again = refined(name, X, CombinedLoss(moved, y, alpha=1.0), **stop).student
        other.append(np.abs(again.predict_proba(X) - fitted.predict_proba(X)).max())
    unmoved = np.mean(np.array(other) < 1e-9)
    assert 0 < unmoved < 0.3


def test_validation_scores_are_those_of_the_leaves_as_solved():
    X, y, proba = blurred_task(3, 800)
    X_val, y_val, _ = blurred_task(3, 300)
    loss = CombinedLoss(proba, y, alpha=0.7)

    def scores(scoring):
        fitted = refined(
            "HistGradientBoostingClassifier", X, loss, {"X_val": X_val, "y_val": y_val},
            scoring=scoring, early_stopping=True, n_iter_no_change=50,
        )  # fmt: skip
        return fitted.student.validation_score_

    def from_the_trees(student, X, y):
        return -log_loss(y, student.predict_proba(X))

    assert_allclose(scores("loss"), scores(from_the_trees), rtol=1e-6)
    assert_allclose(scores("neg_log_loss"), scores(from_the_trees), rtol=1e-6)


@pytest.mark.parametrize("name", ["LGBMClassifier", "XGBClassifier"])
def test_only_the_trees_that_predict_are_solved_after_early_stopping(name):
    if name not in FAMILIES:
        pytest.skip("not installed")
    X, y, proba = blurred_task(2, 500)
    X_val, y_val, _ = blurred_task(2, 200, seed=3)
    loss = CombinedLoss(proba, y, alpha=0.7)
    fit_params = {"eval_set": [(X_val, y_val)]}
    params = {"n_estimators": 60, "learning_rate": 0.5}
    if name == "LGBMClassifier":
        import lightgbm

        fit_params["callbacks"] = [lightgbm.early_stopping(3, verbose=False)]
    else:
        params |= {"early_stopping_rounds": 3}
        fit_params["verbose"] = False
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fitted = refined(name, X, loss, fit_params, **params)
    end = loss.parts(logits(fitted.student.predict_proba(X))).total
    assert end == pytest.approx(fitted.curve[-1].total, rel=1e-5)
    assert fitted.curve[-1].total < fitted.curve[0].total


# Files --------------------------------------------------------------------------------


@both_numbers_of_classes
@pytest.mark.parametrize("name", ["LGBMClassifier", "XGBClassifier", "CatBoostClassifier"])
def test_a_saved_model_predicts_as_the_student(name, n_classes, tmp_path):
    if name not in FAMILIES:
        pytest.skip("not installed")
    X, y, proba = blurred_task(n_classes, 400)
    loss = CombinedLoss(proba, y, temperature=2.0, alpha=0.7)
    student = refined(name, X, loss).student
    file = str(tmp_path / "model.json")
    if name == "LGBMClassifier":
        import lightgbm

        student.booster_.save_model(file)
        found = lightgbm.Booster(model_file=file).predict(X)
        found = found if n_classes > 2 else np.column_stack([1 - found, found])
    else:
        student.save_model(file) if name == "XGBClassifier" else student.save_model(
            file, format="cbm"
        )
        found = type(student)()
        found.load_model(file)
        found = found.predict_proba(X)
    assert_allclose(found, student.predict_proba(X), atol=1e-7)
