"""Fidelity and worth of a student: laws, and agreement with independent references."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.optimize import minimize
from scipy.spatial.distance import cityblock
from scipy.special import expit, logit
from scipy.stats import bootstrap, entropy, ks_2samp, wasserstein_distance
from sklearn.calibration import calibration_curve
from sklearn.metrics import accuracy_score, log_loss, r2_score

from skdistill.loss import soften
from skdistill.metrics import (
    agreement,
    calibration_event,
    calibration_line,
    combined_loss,
    expected_calibration_error,
    kl_divergence,
    ks_distance,
    log_loss_by_row,
    observed_over_expected,
    r2_sorted,
    retention,
    separation_ks,
    swap_share,
    total_variation,
)

FIDELITY = [agreement, kl_divergence, total_variation, ks_distance, r2_sorted, swap_share]
PER_CLASS = [ks_distance, r2_sorted, swap_share]


def simplex(rng, n_samples=40, n_classes=3):
    return rng.dirichlet(np.ones(n_classes), size=n_samples)


@st.composite
def pairs(draw):
    shape = draw(st.tuples(st.integers(1, 8), st.integers(2, 5)))
    mass = arrays(np.float64, shape, elements=st.sampled_from([0, 1e-12, 1e-3, 0.5, 1.0, 7.0]))
    raw = draw(mass) + np.eye(shape[1])[0] * 1e-300, draw(mass) + np.eye(shape[1])[0] * 1e-300
    return [p / p.sum(axis=1, keepdims=True) for p in raw]


@settings(deadline=None)
@given(pairs())
def test_fidelity_lies_in_its_range_and_is_perfect_against_oneself(pair):
    p, q = pair
    assert 0 <= agreement(p, q) <= 1
    assert -1e-12 <= total_variation(p, q) <= 1 + 1e-12
    assert kl_divergence(p, q) >= -1e-12
    assert np.isfinite(kl_divergence(p, q))
    assert agreement(p, p) == 1
    assert total_variation(p, p) == 0
    assert abs(kl_divergence(p, p)) < 1e-12


@settings(deadline=None)
@given(pairs())
def test_pinsker_bounds_total_variation_by_the_divergence(pair):
    p, q = pair
    bound = np.sqrt(max(kl_divergence(p, q), 0) / 2)
    assert total_variation(p, q) <= bound + 1e-6


@pytest.mark.parametrize("metric", FIDELITY)
def test_fidelity_with_integer_weights_is_that_of_repeated_rows(metric):
    rng = np.random.default_rng(0)
    p, q, weight = simplex(rng), simplex(rng), rng.integers(0, 4, size=40)
    repeated = metric(p.repeat(weight, axis=0), q.repeat(weight, axis=0))
    assert metric(p, q, sample_weight=weight) == pytest.approx(repeated, rel=1e-12)


def test_fidelity_equals_scipy_and_scikit_learn():
    rng = np.random.default_rng(1)
    p, q = simplex(rng), simplex(rng)
    assert kl_divergence(p, q) == pytest.approx(np.mean(entropy(p, q, axis=1)))
    half_l1 = [cityblock(a, b) / 2 for a, b in zip(p, q, strict=True)]
    assert total_variation(p, q) == pytest.approx(np.mean(half_l1))
    assert agreement(p, q) == accuracy_score(p.argmax(axis=1), q.argmax(axis=1))


@pytest.mark.parametrize("metric", FIDELITY)
def test_probabilities_of_other_shapes_are_refused_by_name(metric):
    with pytest.raises(ValueError, match=r"one shape.*\(2, 2\) and \(2, 3\)"):
        metric(np.full((2, 2), 0.5), np.full((2, 3), 1 / 3))
    with pytest.raises(ValueError, match=r"one shape"):
        metric([0.2, 0.8], [0.2, 0.8])


@pytest.mark.parametrize("n_classes", [2, 4])
def test_the_mean_loss_by_row_is_scikit_learns_log_loss(n_classes):
    rng = np.random.default_rng(2)
    classes = np.array(["a", "b", "c", "d"])[:n_classes]
    proba, weight = simplex(rng, n_classes=n_classes), rng.uniform(size=40)
    proba[0] = np.eye(n_classes)[1]
    y = rng.permutation(np.resize(classes, 40))
    y[0] = "a"
    loss = log_loss_by_row(y, proba, classes=classes)
    expected = log_loss(y, proba, labels=classes, sample_weight=weight)
    assert np.average(loss, weights=weight) == pytest.approx(expected)


def test_observed_over_expected_counts_outcomes_against_promises():
    proba = np.array([[0.5, 0.5], [0.9, 0.1], [0.8, 0.2], [0.8, 0.2]])
    y = ["no", "yes", "no", "yes"]
    np.testing.assert_allclose(observed_over_expected(y, proba), [2 / 3, 2 / 1])
    weighted = observed_over_expected(y, proba, sample_weight=[1, 0, 1, 2])
    np.testing.assert_allclose(weighted, [2 / 2.9, 2 / 1.1])


def drawn(proba, seed=0):
    uniform = np.random.default_rng(seed).uniform(size=(len(proba), 1))
    return (uniform > proba.cumsum(axis=1)).sum(axis=1)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_drawn_outcomes_are_calibrated_by_every_measure(n_classes):
    proba = simplex(np.random.default_rng(3), n_samples=100_000, n_classes=n_classes)
    y = drawn(proba)
    np.testing.assert_allclose(observed_over_expected(y, proba), 1, atol=0.02)
    np.testing.assert_allclose(calibration_line(y, proba), (1, 0), atol=0.03)
    assert expected_calibration_error(y, proba) < 0.01


def test_a_class_that_never_comes_or_was_never_promised_is_told_apart():
    proba = np.array([[1.0, 0.0, 0.0, 0.0], [0.5, 0.5, 0.0, 0.0]])
    ratio = observed_over_expected([0, 2], proba, classes=[0, 1, 2, 3])
    np.testing.assert_array_equal(ratio, [1 / 1.5, 0, np.inf, np.nan])


@pytest.mark.parametrize(
    "metric",
    [
        log_loss_by_row,
        observed_over_expected,
        expected_calibration_error,
        calibration_line,
        separation_ks,
    ],
)
def test_outcomes_without_a_column_are_refused_by_name(metric):
    with pytest.raises(ValueError, match=r"proba has shape \(2, 3\), expected \(2, 2\)"):
        metric([0, 1], np.full((2, 3), 1 / 3))
    with pytest.raises(ValueError, match=r"y_true holds .*maybe.*classes"):
        metric(["no", "maybe"], np.full((2, 2), 0.5), classes=["no", "yes"])


def losses(seed=0, n_samples=300):
    rng = np.random.default_rng(seed)
    plain = rng.gamma(2, size=n_samples)
    teacher = plain - 0.4 + rng.normal(scale=0.5, size=n_samples)
    student = plain - 0.2 + rng.normal(scale=0.5, size=n_samples)
    return teacher, student, plain


def test_the_teacher_keeps_its_whole_lead_and_the_plain_student_none():
    teacher, _, plain = losses()
    assert retention(teacher, teacher, plain) == (1, 1, 1)
    assert retention(teacher, plain, plain) == (0, 0, 0)


def test_retention_is_the_ratio_of_mean_gains_inside_its_interval():
    teacher, student, plain = losses()
    value, low, high = retention(teacher, student, plain)
    gain, lead = plain.mean() - student.mean(), plain.mean() - teacher.mean()
    assert value == pytest.approx(gain / lead)
    assert 0 < low < value < high < 1


def test_the_interval_is_scipys_paired_percentile_bootstrap():
    sample = losses()

    def share(teacher, student, plain, axis):
        gain = plain.mean(axis) - student.mean(axis)
        return gain / (plain.mean(axis) - teacher.mean(axis))

    theirs = bootstrap(
        sample,
        share,
        paired=True,
        method="percentile",
        n_resamples=9999,
        random_state=0,
        axis=-1,
    ).confidence_interval
    _, low, high = retention(*sample, n_resamples=9999)
    np.testing.assert_allclose([low, high], theirs, atol=0.015)


def test_the_interval_covers_the_truth_as_often_as_it_says():
    covered = 0
    for seed in range(200):
        _, low, high = retention(*losses(seed), n_resamples=300)
        covered += low <= 0.5 <= high
    assert 0.9 <= covered / 200 <= 0.99


def test_integer_weights_leave_the_share_of_repeated_rows():
    teacher, student, plain = losses()
    weight = np.random.default_rng(5).integers(0, 4, size=300)
    repeated = [loss.repeat(weight) for loss in (teacher, student, plain)]
    weighted = retention(teacher, student, plain, sample_weight=weight)
    assert weighted.value == pytest.approx(retention(*repeated).value)


def test_without_a_lead_there_is_no_share_to_keep():
    teacher, student, plain = losses()
    value, low, high = retention(plain + 1, student, plain)
    assert np.isnan(value)
    assert (low, high) == (np.inf, np.inf)
    doubtful = retention(plain + 0.4 - (plain - teacher), student, plain)
    assert np.isinf(doubtful.high)


def test_a_harmful_student_keeps_less_than_nothing():
    teacher, _, plain = losses()
    value, _, high = retention(teacher, plain + 0.1 + 0.1 * teacher, plain)
    assert value < 0
    assert high < 0


def test_a_wider_confidence_is_a_wider_interval_and_a_seed_repeats_it():
    sample = losses()
    _, low, high = retention(*sample, confidence=0.5)
    _, lower, higher = retention(*sample, confidence=0.99)
    assert lower < low < high < higher
    assert retention(*sample, random_state=7) == retention(*sample, random_state=7)


# Distributions of scores, and decisions --------------------------------------------


@settings(deadline=None, max_examples=50)
@given(pairs())
def test_distances_are_symmetric_and_bounded_and_none_to_oneself(pair):
    p, q = pair
    for metric in (ks_distance, swap_share):
        assert -1e-12 <= metric(p, q) <= 1 + 1e-12
        assert metric(p, p) == 0
    assert ks_distance(p, q) == pytest.approx(ks_distance(q, p), abs=1e-12)
    rate = 0.3
    assert swap_share(p, q, positive_rate=rate) == pytest.approx(
        swap_share(q, p, positive_rate=rate), abs=1e-12
    )
    if len(p) > 1:
        assert r2_sorted(p, p) == 1
        assert r2_sorted(p, q) <= 1


@settings(deadline=None, max_examples=50)
@given(pairs())
def test_the_divergence_is_zero_only_between_equals(pair):
    p, q = pair
    apart = np.abs(p - q).max()
    assert (apart == 0) <= (abs(kl_divergence(p, q)) < 1e-12)
    assert (apart > 1e-2) <= (kl_divergence(p, q) > 1e-6)


def test_score_distributions_equal_scipy_and_scikit_learn():
    rng = np.random.default_rng(1)
    p, q = simplex(rng), rng.multinomial(10, [0.2, 0.3, 0.5], size=40) / 10
    ks = [ks_2samp(a, b).statistic for a, b in zip(p.T, q.T, strict=True)]
    np.testing.assert_allclose(ks_distance(p, q, average=None), ks)
    assert ks_distance(p, q) == pytest.approx(np.mean(ks))
    r2 = [r2_score(np.sort(a), np.sort(b)) for a, b in zip(p.T, q.T, strict=True)]
    np.testing.assert_allclose(r2_sorted(p, q, average=None), r2)
    assert r2_sorted(p, q) == pytest.approx(np.mean(r2))


def test_weighted_distributions_equal_scipys_weighted_distance():
    """The area between distribution functions, which KS bounds, takes weights in scipy."""
    rng = np.random.default_rng(2)
    p, q, weight = simplex(rng), simplex(rng), rng.uniform(size=40)
    for k, gap in enumerate(ks_distance(p, q, sample_weight=weight, average=None)):
        assert gap >= wasserstein_distance(p[:, k], q[:, k], weight, weight)
    grid = np.sort(np.concatenate([p[:, 0], q[:, 0]]))
    cdf = [weight @ (score[:, None] <= grid) / weight.sum() for score in (p[:, 0], q[:, 0])]
    expected = np.abs(cdf[0] - cdf[1]).max()
    found = ks_distance(p, q, sample_weight=weight, average=None)[0]
    assert found == pytest.approx(expected)


def test_marginal_measures_do_not_see_which_row_has_which_score():
    rng = np.random.default_rng(4)
    p = simplex(rng)
    shuffled = rng.permutation(p)
    assert ks_distance(p, shuffled) == 0
    assert r2_sorted(p, shuffled) == 1
    assert agreement(p, shuffled) < 0.6


@pytest.mark.parametrize("metric", PER_CLASS)
def test_a_class_that_nobody_expects_changes_nothing_and_averages_are_named(metric):
    rng = np.random.default_rng(5)
    absent = np.zeros((40, 1))
    p, q = (np.hstack([simplex(rng), absent]) for _ in range(2))
    each = metric(p, q, average=None)
    assert each.shape == (4,)
    assert each[3] == metric(p, p, average=None)[3]
    with pytest.raises(ValueError, match=r"average must be 'macro' or None, got 'micro'"):
        metric(p, q, average="micro")


def test_a_constant_teacher_has_no_variance_to_explain():
    constant = np.full((5, 2), 0.5)
    assert r2_sorted(constant, constant) == 1
    assert r2_sorted(constant, simplex(np.random.default_rng(0), 5, 2)) == 0


def test_decisions_swap_between_the_two_top_lists():
    score = np.array([0.9, 0.8, 0.7, 0.2, 0.1])
    other = np.array([0.6, 0.5, 0.1, 0.4, 0.2])
    p, q = (np.column_stack([1 - s, s]) for s in (score, other))
    assert swap_share(p, q) == pytest.approx(2 / 5)  # three accepted: row 2 out, row 3 in
    assert swap_share(p, q, positive_rate=0.4) == 0
    np.testing.assert_allclose(swap_share(p, q, average=None), [0.4, 0.4])
    with pytest.raises(ValueError, match=r"positive_rate must be in \[0, 1\], got 1.2"):
        swap_share(p, q, positive_rate=1.2)


def test_a_monotone_transform_swaps_no_decision_though_it_changes_the_scores():
    p = simplex(np.random.default_rng(6), n_classes=2)
    cubed = p**3 / (p**3).sum(axis=1, keepdims=True)
    assert ks_distance(p, cubed) > 0.1
    for rate in (0, 0.1, 0.5, 1):
        assert swap_share(p, cubed, positive_rate=rate) == pytest.approx(0)


def test_tied_scores_are_accepted_in_part_whatever_the_order_of_rows():
    p = np.array([[0.1, 0.9], [0.4, 0.6], [0.6, 0.4], [0.7, 0.3]])
    flat = np.full((4, 2), 0.5)
    assert swap_share(p, flat) == pytest.approx(0.5)  # half of each row
    order = [2, 0, 3, 1]
    assert swap_share(p[order], flat) == swap_share(p, flat)


# Loss -------------------------------------------------------------------------------


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_the_combined_loss_is_its_formula(n_classes, temperature):
    rng = np.random.default_rng(7)
    p, q = simplex(rng, n_classes=n_classes), simplex(rng, n_classes=n_classes)
    weight, y = rng.uniform(size=40), np.resize(np.array(["a", "b", "c"])[:n_classes], 40)
    soft, hard, total = combined_loss(
        p, q, y, temperature=temperature, alpha=0.3, sample_weight=weight
    )
    rows = entropy(soften(p, temperature), soften(q, temperature), axis=1)
    assert soft == pytest.approx(np.average(rows, weights=weight))
    assert hard == pytest.approx(log_loss(y, q, sample_weight=weight))
    assert total == pytest.approx(0.3 * temperature**2 * soft + 0.7 * hard)
    plain = combined_loss(
        p,
        q,
        y,
        temperature=temperature,
        alpha=0.3,
        sample_weight=weight,
        scale_soft_loss=False,
    )
    assert plain.total == pytest.approx(0.3 * soft + 0.7 * hard)


def test_the_combined_loss_bears_zeros_absent_classes_and_rows_without_soft_labels():
    p = np.array([[1.0, 0, 0], [0, 1.0, 0], [np.nan, np.nan, np.nan]])
    q = np.array([[1.0, 0, 0], [1.0, 0, 0], [0.5, 0.5, 0]])
    loss = combined_loss(p, q, [0, 1, 0], classes=[0, 1, 2], temperature=1.0)
    assert np.isfinite(loss).all()
    worst = -np.log(np.finfo(float).eps)
    assert loss.soft == pytest.approx(worst / 2)
    assert loss.hard == pytest.approx((worst + np.log(2)) / 3)


# Calibration ------------------------------------------------------------------------


def test_the_event_is_the_second_of_two_classes_and_else_a_hit():
    event, score = calibration_event(["n", "y"], [[0.8, 0.2], [0.3, 0.7]])
    np.testing.assert_array_equal(event, [False, True])
    np.testing.assert_array_equal(score, [0.2, 0.7])
    event, score = calibration_event([0, 2], [[0.2, 0.5, 0.3], [0, 0, 1]], classes=[0, 1, 2])
    np.testing.assert_array_equal(event, [False, True])
    np.testing.assert_array_equal(score, [0.5, 1])


def test_the_calibration_error_is_that_of_scikit_learns_curve():
    proba = simplex(np.random.default_rng(8), n_samples=500, n_classes=2)
    y = np.random.default_rng(9).integers(2, size=500)
    for n_bins in (1, 5, 10):
        true, promised = calibration_curve(y, proba[:, 1], n_bins=n_bins)
        bins = np.searchsorted(np.linspace(0, 1, n_bins + 1)[1:-1], proba[:, 1])
        counts = np.bincount(bins, minlength=n_bins)
        expected = np.abs(true - promised) @ counts[counts > 0] / 500
        found = expected_calibration_error(y, proba, n_bins=n_bins)
        assert found == pytest.approx(expected)


def test_a_sure_and_right_model_has_no_calibration_error_and_a_wrong_one_all():
    y = np.array([0, 1, 1])
    assert expected_calibration_error(y, np.eye(2)[y]) == 0
    assert expected_calibration_error(y, np.eye(2)[1 - y]) == 1


def test_the_calibration_line_is_the_maximum_of_the_likelihood():
    rng = np.random.default_rng(10)
    score = rng.uniform(0.01, 0.99, size=300)
    y = rng.uniform(size=300) < expit(0.5 + 0.6 * logit(score))
    weight, proba = rng.uniform(size=300), np.column_stack([1 - score, score])

    def cost(shift, slope):
        margin = (2 * y - 1) * (shift + slope * logit(score))
        return weight @ np.logaddexp(0, -margin)

    slope = minimize(lambda ab: cost(*ab), [0, 1], tol=1e-10).x[1]
    shift = minimize(lambda a: cost(a[0], 1), [0], tol=1e-10).x[0]
    found = calibration_line(y, proba, sample_weight=weight)
    np.testing.assert_allclose(found, (slope, shift), rtol=1e-4)


@pytest.mark.parametrize("factor", [0.5, 2.0])
def test_the_slope_undoes_a_stretched_logit_and_the_intercept_a_shifted_one(factor):
    proba = simplex(np.random.default_rng(11), n_samples=50_000, n_classes=2)
    y, score = drawn(proba), logit(proba[:, 1])

    def columns(raw):
        return np.column_stack([expit(-raw), expit(raw)])

    stretched = calibration_line(y, columns(score * factor))
    assert stretched.slope == pytest.approx(1 / factor, abs=0.05)
    shifted = calibration_line(y, columns(score + factor))
    assert shifted.intercept == pytest.approx(-factor, abs=0.05)


def test_where_no_line_can_be_drawn_the_calibration_says_so():
    score = np.array([0.1, 0.2, 0.7, 0.8])
    proba = np.column_stack([1 - score, score])
    assert calibration_line([0, 0, 1, 1], proba).slope == np.inf
    assert calibration_line([1, 1, 0, 0], proba).slope == -np.inf
    alone = calibration_line([1, 1, 1, 1], proba, classes=[0, 1])
    assert np.isnan(alone.slope)
    assert alone.intercept == np.inf
    flat = calibration_line([0, 1, 1, 1], np.full((4, 2), 0.5))
    assert np.isnan(flat.slope)
    assert flat.intercept == pytest.approx(np.log(3))
    sure = calibration_line([0, 1, 1, 0], [[1, 0], [1, 0], [0, 1], [0, 1]])
    assert np.isfinite(sure).all()


@settings(deadline=None, max_examples=50)
@given(pairs(), st.integers(0, 100))
def test_calibration_bears_any_probabilities(pair, seed):
    proba = pair[0]
    n_samples, n_classes = proba.shape
    y = np.random.default_rng(seed).integers(n_classes, size=n_samples)
    classes = np.arange(n_classes)
    assert 0 <= expected_calibration_error(y, proba, classes=classes) <= 1
    line = calibration_line(y, proba, classes=classes)
    assert not np.isnan(line.intercept)


@pytest.mark.parametrize(
    "metric", [expected_calibration_error, calibration_line, separation_ks]
)
@pytest.mark.parametrize("n_classes", [2, 3])
def test_integer_weights_are_repeated_rows_for_outcomes_too(metric, n_classes):
    rng = np.random.default_rng(12)
    proba, weight = simplex(rng, n_classes=n_classes), rng.integers(0, 4, size=40)
    y = np.resize(np.arange(n_classes), 40)
    found = metric(y, proba, sample_weight=weight)
    repeated = metric(y.repeat(weight), proba.repeat(weight, axis=0))
    np.testing.assert_allclose(found, repeated, rtol=1e-6)


# Separation -------------------------------------------------------------------------


def test_separation_is_scipys_statistic_between_the_two_outcomes():
    proba = simplex(np.random.default_rng(13), n_classes=3)
    y = np.resize(["a", "b", "c"], 40)
    expected = [
        ks_2samp(proba[y == label, k], proba[y != label, k]).statistic
        for k, label in enumerate("abc")
    ]
    np.testing.assert_allclose(separation_ks(y, proba, average=None), expected)
    assert separation_ks(y, proba) == pytest.approx(np.mean(expected))


def test_separation_is_one_where_no_score_overlaps_and_unknown_for_an_absent_class():
    proba = np.array([[0.9, 0.1, 0], [0.2, 0.8, 0], [0.8, 0.2, 0]])
    each = separation_ks([0, 1, 0], proba, classes=[0, 1, 2], average=None)
    np.testing.assert_array_equal(each, [1, 1, np.nan])
    assert separation_ks([0, 1, 0], proba, classes=[0, 1, 2]) == 1
    assert np.isnan(separation_ks([0, 0, 0], proba, classes=[0, 1, 2]))


# The door ---------------------------------------------------------------------------

GOOD = np.array([[0.8, 0.2], [0.3, 0.7], [0.6, 0.4]])
OUTCOMES = [0, 1, 0]
OF_PAIRS = [agreement, kl_divergence, total_variation, ks_distance, r2_sorted, swap_share]
OF_OUTCOMES = [
    log_loss_by_row, observed_over_expected, calibration_event, expected_calibration_error,
    calibration_line, separation_ks,
]  # fmt: skip
BAD_ROWS = {
    "NaN or infinity": [np.nan, 0.5],
    "negative values": [-0.2, 1.2],
    "do not sum to 1": [0.9, 0.9],
}


def one_bad(row):
    return np.vstack([GOOD[:2], row])


@pytest.mark.parametrize("problem", BAD_ROWS)
def test_no_metric_answers_to_what_is_no_probability(problem):
    bad = one_bad(BAD_ROWS[problem])
    for metric in OF_PAIRS:
        for both, name in (((bad, GOOD), "teacher"), ((GOOD, bad), "student")):
            with pytest.raises(ValueError, match=f"{name}_proba must be .* row 2 .*{problem}"):
                metric(*both)
    for metric in OF_OUTCOMES:
        with pytest.raises(ValueError, match=f"^proba must be .* row 2 .*{problem}"):
            metric(OUTCOMES, bad)
    for both in ((bad, GOOD), (GOOD, bad)):
        with pytest.raises(ValueError, match=f"_proba must be .* row 2 .*{problem}"):
            combined_loss(*both, OUTCOMES)


@pytest.mark.parametrize(
    ("weight", "said"),
    [
        ([1, 1, np.nan], "NaN, infinity or a negative"),
        ([1, -1, 1], "NaN, infinity or a negative"),
        ([0, 0, 0], "0 in every row"),
        ([1, 1], r"shape \(2,\), expected \(3,\)"),
    ],
)
def test_no_metric_answers_to_weights_that_are_none(weight, said):
    for metric in OF_PAIRS:
        with pytest.raises(ValueError, match=said):
            metric(GOOD, GOOD, sample_weight=weight)
    for metric in OF_OUTCOMES:
        if metric not in (log_loss_by_row, calibration_event):
            with pytest.raises(ValueError, match=said):
                metric(OUTCOMES, GOOD, sample_weight=weight)
    with pytest.raises(ValueError, match=said):
        combined_loss(GOOD, GOOD, OUTCOMES, sample_weight=weight)
    with pytest.raises(ValueError, match=said):
        retention([1.0] * 3, [2.0] * 3, [3.0] * 3, sample_weight=weight)


def test_no_metric_answers_to_no_rows_and_no_share_is_made_of_other_losses():
    for metric in OF_PAIRS:
        with pytest.raises(ValueError, match="no rows"):
            metric(np.empty((0, 2)), np.empty((0, 2)))
    with pytest.raises(ValueError, match="student_loss holds NaN"):
        retention([1.0, 1], [np.nan, 1], [1.0, 1])
    with pytest.raises(ValueError, match=r"one shape .*\(2,\), \(1,\)"):
        retention([1.0, 1], [1.0], [1.0, 1])
