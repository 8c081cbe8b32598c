"""Fidelity and worth of a student: laws, and agreement with independent references."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.spatial.distance import cityblock
from scipy.stats import bootstrap, entropy
from sklearn.metrics import accuracy_score, log_loss

from skdistill.metrics import (
    agreement,
    kl_divergence,
    log_loss_by_row,
    observed_over_expected,
    retention,
    total_variation,
)

FIDELITY = [agreement, kl_divergence, total_variation]


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


def test_drawn_outcomes_are_calibrated_in_the_large():
    rng = np.random.default_rng(3)
    proba = simplex(rng, n_samples=100_000)
    drawn = (rng.uniform(size=(100_000, 1)) > proba.cumsum(axis=1)).sum(axis=1)
    np.testing.assert_allclose(observed_over_expected(drawn, proba), 1, atol=0.02)


def test_a_class_that_never_comes_or_was_never_promised_is_told_apart():
    proba = np.array([[1.0, 0.0, 0.0, 0.0], [0.5, 0.5, 0.0, 0.0]])
    ratio = observed_over_expected([0, 2], proba, classes=[0, 1, 2, 3])
    np.testing.assert_array_equal(ratio, [1 / 1.5, 0, np.inf, np.nan])


@pytest.mark.parametrize("metric", [log_loss_by_row, observed_over_expected])
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
