"""Every picture holds what it says, however it was made, and says why it cannot be made."""

import subprocess
import sys
import textwrap

import numpy as np
import pytest
from scipy.stats import binomtest
from sklearn.calibration import calibration_curve
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier

from skdistill import DistilledClassifier
from skdistill.metrics import agreement, kl_divergence
from skdistill.model_selection import DistillationSearchCV
from skdistill.plot import (
    FidelityDisplay,
    LossCurveDisplay,
    ParetoDisplay,
    ReliabilityDisplay,
    TemperatureAlphaDisplay,
)

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")
plt = pytest.importorskip("matplotlib.pyplot")

TREE = DecisionTreeClassifier(max_depth=3, min_samples_leaf=10, random_state=0)
TEACHER = make_pipeline(StandardScaler(), LogisticRegression(max_iter=200, tol=1e-2))


@pytest.fixture(autouse=True)
def close():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def cancer():
    data = load_breast_cancer()
    return data.data[:300], data.target_names[data.target][:300]


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(n_class=4, return_X_y=True)
    return X[:300], y[:300]


@pytest.fixture(scope="module")
def distilled(cancer):
    return DistilledClassifier(TEACHER, TREE).fit(*cancer)


@pytest.fixture(scope="module")
def distilled_digits(digits):
    return DistilledClassifier(TEACHER, TREE).fit(*digits)


@pytest.fixture
def leaderboard():
    """Six rows: a failed one, and one that a cheaper one surpasses."""
    loss = np.array([0.1, 0.5, 0.4, 0.2, np.nan, 0.45])
    return {
        "name": ["teacher", "tree 1", "tree 2", "logistic", "svm", "tree 3"],
        "family": ["forest", "tree", "tree", "logistic", "svm", "tree"],
        "kind": ["teacher", "plain", "distilled", "distilled", "plain", "distilled"],
        "neg_log_loss": -loss,
        "neg_log_loss_low": -loss - 0.05,
        "neg_log_loss_high": -loss + 0.05,
        "latency_us": [9000.0, 50.0, 60.0, 200.0, 10.0, 70.0],
        "bytes": [1e7, 1000.0, 2000.0, 800.0, 10.0, 900.0],
        "chosen": [False, False, True, False, False, False],
    }


def legend(display):
    return [text.get_text() for text in display.legend_.get_texts()]


def offsets(artist):
    return np.asarray(artist.get_offsets())


def overlap(one, other):
    renderer = one.figure.canvas.get_renderer()
    boxes = [artist.get_window_extent(renderer) for artist in (one, other)]
    return boxes[0].overlaps(boxes[1])


# Pareto ---------------------------------------------------------------------------------


def test_pareto_draws_losses_upright_and_leaves_failed_rows_out(leaderboard):
    display = ParetoDisplay.from_leaderboard(leaderboard)
    assert set(display.points_) == {
        ("forest", "teacher"), ("tree", "plain"), ("tree", "distilled"),
        ("logistic", "distilled"),
    }  # fmt: skip
    np.testing.assert_allclose(
        offsets(display.points_["tree", "distilled"]), [[60, 0.4], [70, 0.45]]
    )
    assert display.ax_.get_ylabel() == "log-loss, lower is better"
    assert "µs" in display.ax_.get_xlabel()
    assert display.ax_.get_xscale() == "log"


def test_plain_students_are_hollow_and_distilled_ones_filled(leaderboard):
    points = ParetoDisplay.from_leaderboard(leaderboard).points_
    assert len(points["tree", "plain"].get_facecolors()) == 0
    assert len(points["tree", "distilled"].get_facecolors()) == 1
    np.testing.assert_array_equal(
        points["tree", "plain"].get_edgecolors(), points["tree", "distilled"].get_edgecolors()
    )


def test_the_front_never_gets_worse_for_more_cost(leaderboard):
    line = ParetoDisplay.from_leaderboard(leaderboard).front_
    np.testing.assert_array_equal(line.get_xdata(), [50, 60, 200, 9000])
    np.testing.assert_allclose(line.get_ydata(), [0.5, 0.4, 0.2, 0.1])


@pytest.mark.parametrize("x", ["latency_us", "bytes"])
def test_the_front_that_is_drawn_is_that_of_what_is_shown(leaderboard, x):
    line = ParetoDisplay.from_leaderboard(leaderboard, x=x).front_
    cost, loss = (np.array(leaderboard[c]) for c in (x, "neg_log_loss"))
    shown = [(c, -q) for c, q in zip(cost, loss, strict=True) if np.isfinite(q)]
    best = [
        a for a in shown if not any(b[0] <= a[0] and b[1] <= a[1] and b != a for b in shown)
    ]
    assert list(zip(*line.get_data(), strict=True)) == sorted(best)


def test_a_front_of_losses_that_are_given_as_such_goes_down(leaderboard):
    leaderboard["kl"] = -leaderboard["neg_log_loss"]
    line = ParetoDisplay.from_leaderboard(
        leaderboard, metric="kl", greater_is_better=False
    ).front_
    np.testing.assert_allclose(line.get_ydata(), [0.5, 0.4, 0.2, 0.1])


def test_error_bars_are_the_intervals(leaderboard):
    display = ParetoDisplay.from_leaderboard(leaderboard)
    ends = np.sort([s[:, 1] for s in display.error_bars_.get_segments()], axis=1)
    loss = -leaderboard["neg_log_loss"][[0, 1, 2, 3, 5]]
    np.testing.assert_allclose(ends, np.column_stack([loss - 0.05, loss + 0.05]))
    del leaderboard["neg_log_loss_low"]
    assert ParetoDisplay.from_leaderboard(leaderboard).error_bars_ is None


@pytest.mark.parametrize(("x", "limit", "words"), [
    ("latency_us", 100, "limit: 100 µs"), ("bytes", 2e4, "limit: 20,000 bytes"),
])  # fmt: skip
def test_the_limit_the_chosen_one_and_the_teacher_are_named(leaderboard, x, limit, words):
    display = ParetoDisplay.from_leaderboard(leaderboard, x=x, limit=limit)
    assert display.limit_.get_xdata()[0] == limit
    np.testing.assert_allclose(offsets(display.chosen_), [[leaderboard[x][2], 0.4]])
    assert {words, "chosen: tree 2", "teacher", "tree", "logistic"} < set(legend(display))
    assert "svm" not in legend(display)


def test_an_explorer_brings_its_leaderboard_and_its_limit(leaderboard):
    class Auto(GaussianNB):
        leaderboard_, max_bytes, max_latency_us = leaderboard, 5000, None

    display = ParetoDisplay.from_estimator(Auto(), x="bytes")
    same = ParetoDisplay.from_leaderboard(leaderboard, x="bytes", limit=5000)
    assert display.limit == 5000
    assert legend(display) == legend(same)
    assert ParetoDisplay.from_estimator(Auto()).limit_ is None
    with pytest.raises(NotFittedError):
        ParetoDisplay.from_estimator(GaussianNB())


def test_a_frame_is_a_leaderboard(leaderboard):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(leaderboard, index=list("abcdef"))
    display = ParetoDisplay.from_leaderboard(frame)
    assert legend(display) == legend(ParetoDisplay.from_leaderboard(leaderboard))


def test_a_missing_column_is_named(leaderboard):
    with pytest.raises(ValueError, match=r"no column 'roc_auc'; it has \['bytes'"):
        ParetoDisplay.from_leaderboard(leaderboard, metric="roc_auc")
    leaderboard["neg_log_loss"] = np.full(6, np.nan)
    with pytest.raises(ValueError, match="no row of the leaderboard has finite"):
        ParetoDisplay.from_leaderboard(leaderboard)


def test_axes_shorter_than_a_decade_have_numbers(leaderboard):
    leaderboard["neg_log_loss"] = -np.linspace(0.31, 0.34, 6)
    leaderboard["latency_us"] = np.linspace(210, 290, 6)
    del leaderboard["neg_log_loss_low"]
    ax = ParetoDisplay.from_leaderboard(leaderboard).ax_
    ax.figure.canvas.draw()
    for axis, (low, high) in ((ax.xaxis, ax.get_xlim()), (ax.yaxis, ax.get_ylim())):
        labels = [float(label.get_text()) for label in axis.get_ticklabels()]
        assert sum(low <= number <= high for number in labels) >= 2


@pytest.mark.parametrize("size", [(6.4, 4.8), (3.4, 2.6)])
def test_no_legend_hides_a_point_or_leaves_the_figure(leaderboard, distilled, cancer, size):
    def check(draw):
        figure, ax = plt.subplots(figsize=size, layout="constrained")
        draw(ax)
        figure.canvas.draw()
        legend = ax.get_legend()
        assert not overlap(legend, ax.patch)
        box = legend.get_window_extent()
        assert box.x0 >= 0
        assert box.y0 >= 0
        assert box.x1 <= figure.bbox.x1
        assert box.y1 <= figure.bbox.y1

    check(lambda ax: ParetoDisplay.from_leaderboard(leaderboard, limit=80, ax=ax))
    check(lambda ax: ReliabilityDisplay.from_estimator(distilled, *cancer, ax=ax))
    curve = LossCurveDisplay([0.3, 0.2], [0.5, 0.4], [0.8, 0.6], temperature=2, alpha=0.5)
    check(curve.plot)


# Fidelity -------------------------------------------------------------------------------


def test_fidelity_is_the_same_from_models_and_from_probabilities(distilled, cancer):
    X, _ = cancer
    probas = distilled.teacher_.predict_proba(X), distilled.predict_proba(X)
    one = FidelityDisplay.from_estimator(distilled, X)
    two = FidelityDisplay.from_predictions(*probas, classes=distilled.classes_)
    np.testing.assert_allclose(one.teacher_score, probas[0][:, 1])
    np.testing.assert_allclose(one.student_score, probas[1][:, 1])
    np.testing.assert_allclose(one.density_.get_array(), two.density_.get_array())
    assert one.density_.get_array().sum() == len(X)
    assert one.agreement == two.agreement == agreement(*probas)
    assert one.text_.get_text() == two.text_.get_text()
    kl = f"mean KL {kl_divergence(*probas):.3g} nats"
    assert one.text_.get_text().endswith(kl)
    assert one.text_.get_text().startswith("probability of malignant\nagreement")


def test_fidelity_shows_a_chosen_class_or_the_one_the_teacher_predicts(
    distilled_digits, digits
):
    X, _ = digits
    teacher = distilled_digits.teacher_.predict_proba(X)
    student = distilled_digits.predict_proba(X)
    display = FidelityDisplay.from_estimator(distilled_digits, X, pos_label=2)
    np.testing.assert_allclose(display.student_score, student[:, 2])
    top = FidelityDisplay.from_estimator(distilled_digits, X)
    np.testing.assert_allclose(top.teacher_score, teacher.max(axis=1))
    np.testing.assert_allclose(
        top.student_score, student[np.arange(len(X)), teacher.argmax(axis=1)]
    )
    assert "the class that the teacher predicts" in top.text_.get_text()
    with pytest.raises(ValueError, match=r"pos_label='2' is not one of the classes \[0, 1"):
        FidelityDisplay.from_estimator(distilled_digits, X, pos_label="2")


def test_another_teacher_is_asked_even_one_without_probabilities(distilled, cancer):
    X, y = cancer
    other = make_pipeline(StandardScaler(), LinearSVC()).fit(X, y)
    display = FidelityDisplay.from_estimator(distilled, X, teacher=other)
    scores = 1 / (1 + np.exp(-other.decision_function(X)))
    np.testing.assert_allclose(display.teacher_score, scores)


def test_the_teacher_is_found_in_a_pipeline_and_in_a_search(cancer):
    X, y = cancer
    kd = DistilledClassifier(make_pipeline(StandardScaler(), LogisticRegression()), TREE)
    piped = make_pipeline(StandardScaler(), kd)
    search = GridSearchCV(piped, {"distilledclassifier__alpha": [1.0]}, cv=2).fit(X, y)
    display = FidelityDisplay.from_estimator(search, X)
    head, inner = search.best_estimator_
    teacher_proba = inner.teacher_.predict_proba(head.transform(X))
    np.testing.assert_allclose(display.teacher_score, teacher_proba[:, 1])


def test_without_a_teacher_fidelity_says_what_to_pass(distilled, cancer):
    X, y = cancer
    proba = distilled.predict_proba(X)
    alone = DistilledClassifier(None, TREE).fit(X, y, teacher_proba=proba)
    with pytest.raises(ValueError, match="DistilledClassifier has no teacher_ to ask"):
        FidelityDisplay.from_estimator(alone, X)
    with pytest.raises(ValueError, match="DistilledClassifier has no teacher_ to ask"):
        ReliabilityDisplay.from_estimator(alone, X, y)
    with pytest.raises(NotFittedError):
        FidelityDisplay.from_estimator(DistilledClassifier(), X)


def test_a_single_row_can_be_drawn():
    display = FidelityDisplay.from_predictions([[0.2, 0.8]], [[0.3, 0.7]])
    display.figure_.canvas.draw()
    assert display.agreement == 1
    assert display.density_.get_clim() == (1, 2)


# Reliability ----------------------------------------------------------------------------


@pytest.mark.parametrize("strategy", ["uniform", "quantile"])
def test_reliability_has_the_points_of_scikit_learn(distilled, cancer, strategy):
    X, y = cancer
    plain = GaussianNB().fit(X, y)
    display = ReliabilityDisplay.from_estimator(
        distilled, X, y, plain=plain, strategy=strategy, n_bins=7
    )
    assert list(display.curves) == list(display.displays_) == ["teacher", "plain", "distilled"]
    models = (distilled.teacher_, plain, distilled)
    for curve, model in zip(display.curves.values(), models, strict=True):
        score = model.predict_proba(X)[:, 1]
        points = calibration_curve(y == "malignant", score, n_bins=7, strategy=strategy)
        np.testing.assert_allclose((curve.prob_true, curve.prob_pred), points)
        ratio = np.mean(y == "malignant") / score.mean()
        assert curve.observed_over_expected == pytest.approx(ratio)
        assert np.all((curve.low <= curve.prob_true) & (curve.prob_true <= curve.high))


def test_the_intervals_of_reliability_are_those_of_wilson():
    y, score = np.repeat([0, 1, 0, 1], [40, 0, 7, 13]), np.repeat([0.1, 0.9], [40, 20])
    display = ReliabilityDisplay.from_predictions(y, {"a": np.c_[1 - score, score]})
    curve = display.curves["a"]
    expected = [binomtest(k, n).proportion_ci(method="wilson") for k, n in ((0, 40), (13, 20))]
    np.testing.assert_allclose(np.c_[curve.low, curve.high], expected, atol=1e-7)


@pytest.mark.parametrize("strategy", ["uniform", "quantile"])
def test_rows_that_weigh_alike_are_drawn_as_rows_without_weights(distilled, cancer, strategy):
    X, y = cancer
    weight = np.resize([3.0, 3.0, 0.0], len(X))
    kept = ReliabilityDisplay.from_estimator(
        distilled, X[weight > 0], y[weight > 0], strategy=strategy
    )
    weighted = ReliabilityDisplay.from_estimator(
        distilled, X, y, strategy=strategy, sample_weight=weight
    )
    for name, curve in kept.curves.items():
        for one, other in zip(curve, weighted.curves[name], strict=True):
            np.testing.assert_allclose(one, other)


def test_weights_move_shares_and_probabilities_and_leave_less_known():
    score, y = np.array([0.2, 0.4, 0.2, 0.4]), [0, 1, 0, 1]
    proba, weight = np.c_[1 - score, score], [1, 3, 1, 3]
    draw = ReliabilityDisplay.from_predictions
    curve = draw(y, {"a": proba}, n_bins=1, sample_weight=weight).curves["a"]
    np.testing.assert_allclose([curve.prob_true, curve.prob_pred], [[6 / 8], [2.8 / 8]])
    assert curve.observed_over_expected == pytest.approx(6 / 2.8)
    n_rows = 8**2 / 20  # that are known, of four
    for end in (curve.low, curve.high):
        error = 1.959964 * np.sqrt(end * (1 - end) / n_rows)
        np.testing.assert_allclose(abs(end - 6 / 8), error)
    with pytest.raises(ValueError, match=r"sample_weight has shape \(3,\), expected \(4,\)"):
        draw(y, {"a": proba}, sample_weight=weight[:3])


def test_reliability_is_the_same_from_models_and_from_probabilities(distilled_digits, digits):
    X, y = digits
    asked = {"teacher": distilled_digits.teacher_, "distilled": distilled_digits}
    probas = {name: model.predict_proba(X) for name, model in asked.items()}
    for pos_label in (None, 1):
        one = ReliabilityDisplay.from_estimator(distilled_digits, X, y, pos_label=pos_label)
        two = ReliabilityDisplay.from_predictions(y, probas, pos_label=pos_label)
        for name in probas:
            np.testing.assert_allclose(
                one.displays_[name].line_.get_xydata(), two.displays_[name].line_.get_xydata()
            )
        assert one.axes_[0].get_ylabel() == two.axes_[0].get_ylabel()


def test_of_several_classes_the_predicted_one_is_judged_by_being_right():
    proba = np.array([[0.6, 0.3, 0.1], [0.6, 0.2, 0.2], [0.1, 0.1, 0.8], [0.1, 0.1, 0.8]])
    display = ReliabilityDisplay.from_predictions(
        ["a", "b", "c", "c"], {"mine": proba}, strategy="uniform"
    )
    np.testing.assert_allclose(display.curves["mine"].prob_true, [0.5, 1])
    np.testing.assert_allclose(display.curves["mine"].prob_pred, [0.6, 0.8])
    assert display.axes_[0].get_ylabel() == "share of correct predictions"
    chosen = ReliabilityDisplay.from_predictions(
        ["a", "b", "c", "c"], {"mine": proba}, pos_label="b", strategy="uniform"
    )
    assert chosen.curves["mine"].observed_over_expected == pytest.approx(1 / 0.7)
    assert chosen.axes_[0].get_xlabel() == "probability of b"


def test_reliability_takes_one_axes_for_all_or_one_for_each(distilled, cancer):
    X, y = cancer
    display = ReliabilityDisplay.from_estimator(distilled, X, y)
    assert [ax.get_title().split("\n")[0] for ax in display.axes_] == ["teacher", "distilled"]
    _, ax = plt.subplots()
    display.plot(ax)
    assert list(display.axes_) == [ax]
    labels = [text.get_text().split(":")[0] for text in ax.get_legend().get_texts()]
    assert labels == ["Perfectly calibrated", "teacher", "distilled"]
    with pytest.raises(ValueError, match=r"3 Axes for 2 curves; pass 1 or 2"):
        display.plot(plt.subplots(1, 3)[1])


def test_no_model_is_left_out_of_a_long_comparison():
    probas = {str(number): np.full((4, 2), 0.5) for number in range(9)}
    display = ReliabilityDisplay.from_predictions([0, 1, 0, 1], probas)
    assert list(display.displays_) == list(probas)


def test_reliability_refuses_what_cannot_be_compared(distilled, cancer):
    X, y = cancer
    plain = GaussianNB().fit(X, y == "malignant")
    with pytest.raises(ValueError, match=r"plain has the classes \[False, True\], model has"):
        ReliabilityDisplay.from_estimator(distilled, X, y, plain=plain)
    with pytest.raises(ValueError, match="strategy must be 'uniform' or 'quantile', got 'x'"):
        ReliabilityDisplay.from_estimator(distilled, X, y, strategy="x")
    with pytest.raises(ValueError, match="y_true holds 7, none of the classes"):
        ReliabilityDisplay.from_estimator(distilled, X, np.full(len(X), 7))
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        ReliabilityDisplay.from_predictions(y[:9], {"a": np.ones((8, 2)) / 2})
    with pytest.raises(ValueError, match=r"classes has shape \(2,\), expected \(3,\)"):
        ReliabilityDisplay.from_predictions(y, {"a": np.ones((len(y), 3)) / 3})


# Loss curve -----------------------------------------------------------------------------


def test_the_loss_curve_is_the_one_of_the_model(cancer):
    student = HistGradientBoostingClassifier(max_iter=4, early_stopping=False)
    model = DistilledClassifier(TEACHER, student).fit(*cancer)
    display = LossCurveDisplay.from_estimator(model)
    for term, line in display.lines_.items():
        np.testing.assert_array_equal(line.get_xdata(), [1, 2, 3, 4])
        np.testing.assert_array_equal(line.get_ydata(), model.loss_curve_[term])
    assert list(display.lines_) == ["soft", "hard", "total"]
    assert legend(display)[0] == "soft: KL to the teacher at T = 2"
    assert legend(display)[2] == "total, alpha = 0.5"
    assert len({line.get_linestyle() for line in display.lines_.values()}) == 3
    assert "nats" in display.ax_.get_ylabel()


def test_a_student_without_iterations_has_no_loss_curve(distilled):
    with pytest.raises(ValueError, match="the student DecisionTreeClassifier was not fitted"):
        LossCurveDisplay.from_estimator(distilled)
    with pytest.raises(NotFittedError):
        LossCurveDisplay.from_estimator(DistilledClassifier())


# Temperature and alpha ------------------------------------------------------------------


def grid(**more):
    results = {
        "param_temperature": np.ma.masked_array([1, 1, 2, 2, 2], mask=False, dtype=object),
        "param_alpha": np.ma.masked_array([0, 1, 0, 1, 1], mask=False, dtype=object),
        "param_student__alpha": np.ma.masked_array([1e-4] * 5),
        "mean_test_score": np.array([-0.4, -0.3, -0.4, -0.25, -0.2]),
    }
    return results | more


def test_a_full_grid_is_a_heat_map_of_the_best_in_each_cell():
    display = TemperatureAlphaDisplay.from_cv_results(grid(), metric="neg_log_loss")
    np.testing.assert_allclose(display.scores_.get_array(), [[0.4, 0.4], [0.3, 0.2]])
    assert display.best_.get_xy() == (0.5, 0.5)
    assert display.text_.get_text() == "best 0.2 at temperature 2, alpha 1"
    assert [t.get_text() for t in display.ax_.get_xticklabels()] == ["1", "2"]
    assert "0.30" in [t.get_text() for t in display.ax_.texts]


def test_a_cell_whose_candidates_failed_says_so():
    scores = np.array([np.nan, -0.3, -0.4, -0.25, -0.2])
    display = TemperatureAlphaDisplay.from_cv_results(grid(mean_test_score=scores))
    assert display.ax_.texts[0].get_text() == "failed"


def test_scattered_trials_are_points_on_a_logarithmic_temperature():
    temperature = np.ma.masked_array([0.5, 1, 2, 4, 1], mask=[0, 0, 0, 0, 1])
    results = grid(param_temperature=temperature, param_alpha=[0.1, 0.9, 0.5, 0.4, 0])
    display = TemperatureAlphaDisplay.from_cv_results(results, best=3)
    np.testing.assert_allclose(
        offsets(display.scores_), [[0.5, 0.1], [1, 0.9], [2, 0.5], [4, 0.4]]
    )
    np.testing.assert_allclose(display.scores_.get_array(), [-0.4, -0.3, -0.4, -0.25])
    np.testing.assert_allclose(offsets(display.best_), [[4, 0.4]])
    assert display.ax_.get_xscale() == "log"
    without = TemperatureAlphaDisplay.from_cv_results(results)
    assert without.best_ is None
    assert without.text_.get_text() == "best -0.2 without temperature and alpha"


def test_bad_candidates_do_not_bleach_the_good_ones():
    scores = np.array([-9, -0.3, -0.4, -0.25, -0.2])
    results = grid(mean_test_score=scores)
    low, high = TemperatureAlphaDisplay.from_cv_results(results).scores_.get_clim()
    assert -1 < low < high == -0.2
    loss = TemperatureAlphaDisplay.from_cv_results(results, metric="neg_log_loss")
    assert loss.scores_.get_clim() == (0.2, -low)


def test_searches_are_drawn_with_any_prefix(cancer):
    inner = DistilledClassifier(TEACHER, TREE)
    pipe = make_pipeline(StandardScaler(), inner)
    space = {
        "distilledclassifier__temperature": [1.0, 3.0],
        "distilledclassifier__alpha": [0.2, 0.8],
    }
    by_grid = GridSearchCV(pipe, space, cv=2, scoring="neg_log_loss").fit(*cancer)
    display = TemperatureAlphaDisplay.from_estimator(by_grid)
    np.testing.assert_allclose(
        display.scores_.get_array(),
        -by_grid.cv_results_["mean_test_score"].reshape(2, 2),  # alpha varies slowest
    )
    assert display.best == by_grid.best_index_
    label = display.scores_.colorbar.ax.get_ylabel()
    assert label == "test log-loss, lower is better"
    at_random = RandomizedSearchCV(pipe, space, n_iter=3, cv=2, random_state=0).fit(*cancer)
    assert len(offsets(TemperatureAlphaDisplay.from_estimator(at_random).scores_)) == 3
    with pytest.raises(ValueError, match="metric='auc' is not one of the search's"):
        TemperatureAlphaDisplay.from_cv_results(
            {"mean_test_accuracy": [1.0], "mean_test_roc_auc": [1.0]}, metric="auc"
        )


def test_the_distillation_search_is_drawn_as_a_loss(cancer):
    search = DistillationSearchCV(
        DistilledClassifier(TEACHER, TREE), n_trials=5, cv=2, random_state=0
    ).fit(*cancer)
    display = TemperatureAlphaDisplay.from_estimator(search)
    assert display.metric == "neg_log_loss"
    assert display.text_.get_text().startswith(f"best {-search.best_score_:.4g} ")


def test_several_metrics_are_drawn_by_name(cancer):
    space = {"temperature": [1.0, 3.0], "alpha": [0.2, 0.8]}
    scoring = ["accuracy", "neg_log_loss"]
    search = GridSearchCV(
        DistilledClassifier(TEACHER, TREE), space, cv=2, scoring=scoring,
        refit="neg_log_loss",
    ).fit(*cancer)  # fmt: skip
    assert TemperatureAlphaDisplay.from_estimator(search).metric == "neg_log_loss"
    other = TemperatureAlphaDisplay.from_estimator(search, metric="accuracy")
    assert other.scores_.get_array().max() == search.cv_results_["mean_test_accuracy"].max()


def test_a_search_without_temperature_and_alpha_of_one_model_is_refused():
    results = grid()
    del results["param_temperature"]
    with pytest.raises(ValueError, match=r"one model, got \['param_alpha', 'param_student__a"):
        TemperatureAlphaDisplay.from_cv_results(results)
    two = {"param_a__temperature": np.ones(5), "param_a__alpha": np.ones(5)}
    with pytest.raises(ValueError, match=r"one model, got \['param_', 'param_a__'\]"):
        TemperatureAlphaDisplay.from_cv_results(grid(**two))


# Conventions ----------------------------------------------------------------------------


def test_displays_draw_on_given_axes_and_hand_keywords_to_matplotlib(leaderboard):
    _, ax = plt.subplots()
    display = ParetoDisplay.from_leaderboard(leaderboard, ax=ax, s=99)
    assert display.ax_ is ax
    assert display.figure_ is ax.figure
    assert display.points_["tree", "plain"].get_sizes() == [99]
    hexes = FidelityDisplay([0.1, 0.9], [0.2, 0.8]).plot(cmap="cividis").density_
    assert hexes.get_cmap().name == "cividis"
    lines = LossCurveDisplay([1, 1], [2, 2], [3, 3]).plot(linewidth=7).lines_
    assert {line.get_linewidth() for line in lines.values()} == {7}
    image = TemperatureAlphaDisplay([1, 2], [0, 0], [0.1, 0.2]).plot(vmax=9).scores_
    assert image.get_clim() == (0.1, 9)


def test_without_matplotlib_all_imports_and_the_extra_is_named():
    code = """
        import sys
        sys.modules["matplotlib"] = None
        from skdistill.plot import FidelityDisplay, ReliabilityDisplay
        for make in (FidelityDisplay.from_predictions, lambda p, q: ReliabilityDisplay
                     .from_predictions([0, 1], {"a": p})):
            try:
                make([[.2, .8], [.7, .3]], [[.3, .7], [.6, .4]])
            except ImportError as error:
                print(error)
    """
    command = [sys.executable, "-c", textwrap.dedent(code)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    remedy = "plot needs matplotlib: pip install 'skdistill[plot]'"
    assert done.stdout.splitlines() == [
        f"FidelityDisplay.{remedy}", f"ReliabilityDisplay.{remedy}"
    ]  # fmt: skip
