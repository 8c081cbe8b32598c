"""The combined loss against an independent formula, its derivatives and its extremes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose, assert_array_equal
from scipy.optimize import minimize
from scipy.special import log_softmax, rel_entr, softmax

from skdistill.loss import CombinedLoss, logits, soften, soften_logits

TEMPERATURES = [0.1, 0.5, 1.0, 3.0, 100.0]


def targets(n_classes, n_samples=12, seed=0):
    rng = np.random.default_rng(seed)
    proba = rng.dirichlet(np.full(n_classes, 0.5), size=n_samples)
    return proba, rng.integers(n_classes, size=n_samples), rng.uniform(0.1, 2, n_samples)


def bound(n_classes, temperature, alpha, *, absent=True, **options):
    proba, y, weight = targets(n_classes)
    if absent:
        proba[1], y[0] = np.nan, -1
    return CombinedLoss(
        proba, y, temperature=temperature, alpha=alpha, sample_weight=weight, **options
    )


def raw_of(loss, scale=1.0, seed=1):
    return scale * np.random.default_rng(seed).normal(size=loss.raw_shape)


def by_definition(proba, y, weight, raw, temperature, alpha, c):
    """The formula of the module's docstring, written with SciPy row by row."""
    z = np.column_stack([np.zeros(len(raw)), raw]) if raw.ndim == 1 else raw
    soft, hard, soft_weight, hard_weight = 0.0, 0.0, 0.0, 0.0
    for i in range(len(z)):
        if not np.isnan(proba[i, 0]):
            p = softmax(np.log(np.maximum(proba[i], 1e-7)) / temperature)
            p = proba[i] if temperature == 1 else p
            soft += weight[i] * rel_entr(p, softmax(z[i] / temperature)).sum()
            soft_weight += weight[i]
        if y[i] >= 0:
            hard -= weight[i] * log_softmax(z[i])[y[i]]
            hard_weight += weight[i]
    soft, hard = soft / soft_weight, hard / hard_weight
    return soft, hard, alpha * c * soft + (1 - alpha) * hard


@pytest.mark.parametrize("n_classes", [2, 3, 5])
@pytest.mark.parametrize("temperature", TEMPERATURES)
@pytest.mark.parametrize("alpha", [0, 0.3, 1])
@pytest.mark.parametrize("scaled", [True, False])
def test_value_is_the_definition(n_classes, temperature, alpha, scaled):
    loss = bound(n_classes, temperature, alpha, scale_soft_loss=scaled)
    raw = raw_of(loss)
    c = temperature**2 if scaled else 1
    expected = by_definition(
        loss.soft_labels, loss.y, loss.sample_weight, raw, temperature, alpha, c
    )
    assert_allclose(loss.parts(raw), expected, rtol=1e-9, atol=1e-12)
    assert_allclose(loss.value_and_gradient(raw)[0], expected[2], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("temperature", TEMPERATURES)
@pytest.mark.parametrize("alpha", [0, 0.4, 1])
def test_the_losses_of_rows_add_up_to_the_loss(n_classes, temperature, alpha):
    loss = bound(n_classes, temperature, alpha)
    raw, rows = raw_of(loss), np.arange(0, loss.n_samples, 3)
    by_row, part = loss.by_row(raw), loss.take(rows)
    total = loss.total_weight * loss.value_and_gradient(raw)[0]
    assert_allclose(by_row.sum(), total, rtol=1e-9, atol=1e-10)
    assert_allclose(part.by_row(raw[rows]), by_row[rows], rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("temperature", TEMPERATURES)
@pytest.mark.parametrize("alpha", [0, 0.4, 1])
def test_derivatives_are_finite_differences(n_classes, temperature, alpha):
    loss = bound(n_classes, temperature, alpha)
    raw, step = raw_of(loss), 1e-5 * max(1, temperature) ** 0.5
    gradient, hessian = loss.gradient(raw), loss.hessian(raw)
    product = loss.hessian_product(raw)
    scale = max(1, np.abs(gradient).max())
    for index in np.ndindex(raw.shape):
        shift = np.zeros_like(raw)
        shift[index] = step
        up, down = loss.value_and_gradient(raw + shift), loss.value_and_gradient(raw - shift)
        slope = (up[0] - down[0]) / (2 * step) * loss.total_weight
        assert_allclose(gradient[index], slope, rtol=1e-6, atol=1e-6 * scale)
        column = (up[1] - down[1]) / (2 * step)
        assert_allclose(hessian[index], column[index], rtol=1e-6, atol=1e-6 * scale)
        assert_allclose(product(shift / step), column, rtol=1e-6, atol=1e-6 * scale)


@pytest.mark.parametrize("n_classes", [2, 4])
@pytest.mark.parametrize("temperature", [0.01, 0.3, 1, 3, 100, 1e4])
@pytest.mark.parametrize("alpha", [0, 0.5, 1])
def test_the_constant_of_a_group_is_stationary(n_classes, temperature, alpha):
    proba, y, weight = targets(n_classes, 60)
    loss = CombinedLoss(proba, y, temperature=temperature, alpha=alpha, sample_weight=weight)
    groups = np.arange(60) % 7
    raw = loss.constant(groups, 8)
    assert_array_equal(raw[7], np.zeros_like(raw[7]))  # a group without rows
    gradient = loss.gradient(raw[groups]).reshape(60, -1)
    summed = np.array([gradient[groups == g].sum(axis=0) for g in range(7)])
    assert np.abs(summed).max() < 1e-8


def test_the_constant_minimises_against_another_optimiser():
    loss = bound(3, 3.0, 0.5, absent=False)

    def value(z):
        return loss.value_and_gradient(np.tile(z, (loss.n_samples, 1)))[0]

    best = minimize(value, np.zeros(3), method="Nelder-Mead", options={"xatol": 1e-9}).fun
    assert value(loss.constant()[0]) <= best + 1e-9


@pytest.mark.parametrize("temperature", [0.2, 1, 3])
def test_a_class_that_no_target_names_gets_probability_zero_exactly(temperature):
    loss = CombinedLoss(
        [[0.5, 0.5, 0.0]] * 4, [0, 1, 0, 1], temperature=temperature, alpha=0.0
    )
    assert softmax(loss.constant()[0])[2] == 0


def test_temperature_one_is_cross_entropy_against_the_blend():
    loss = bound(3, 1.0, 0.3, absent=False)
    raw = raw_of(loss)
    cross_entropy = -(loss.blend() * log_softmax(raw, axis=1)).sum(axis=1)
    proba = np.where(loss.soft_labels > 0, loss.soft_labels, 1)
    entropy = -(loss.soft_labels * np.log(proba)).sum(axis=1)
    mean = np.average(cross_entropy - 0.3 * entropy, weights=loss.sample_weight)
    assert_allclose(loss.parts(raw).total, mean, rtol=1e-12)


def test_extra_rows_without_hard_labels_do_not_drown_the_hard_term():
    proba, y, _ = targets(3)
    few = CombinedLoss(proba, y, alpha=0.5)
    many = CombinedLoss(
        np.tile(proba, (100, 1)), np.r_[y, np.full(99 * len(y), -1)], alpha=0.5
    )
    raw = raw_of(few)
    assert_allclose(few.parts(raw), many.parts(np.tile(raw, (100, 1))), rtol=1e-12)


@pytest.mark.parametrize("temperature", [1.0, 3.0])
def test_gradients_of_disjoint_rows_add_up_to_the_whole(temperature):
    loss = bound(3, temperature, 0.6)
    raw, rows = raw_of(loss), np.arange(loss.n_samples) % 3 == 0
    assert_array_equal(loss.take(rows).gradient(raw[rows]), loss.gradient(raw)[rows])
    assert_array_equal(loss.take(~rows).hessian(raw[~rows]), loss.hessian(raw)[~rows])
    part, rest = loss.take(rows), loss.take(~rows)
    total = sum(
        p.total_weight * p.parts(raw[r]).total for p, r in ((part, rows), (rest, ~rows))
    )
    assert_allclose(total, loss.total_weight * loss.parts(raw).total, rtol=1e-12)


@pytest.mark.parametrize("temperature", [1.0, 3.0])
def test_integer_weights_are_repeated_rows(temperature):
    proba, y, _ = targets(3)
    weight = np.arange(len(y)) % 4
    weighted = CombinedLoss(proba, y, temperature=temperature, sample_weight=weight)
    repeated = CombinedLoss(
        np.repeat(proba, weight, axis=0), np.repeat(y, weight), temperature=temperature
    )
    raw = raw_of(weighted)
    assert_allclose(
        weighted.parts(raw), repeated.parts(np.repeat(raw, weight, axis=0)), rtol=1e-12
    )
    assert weighted.total_weight == repeated.total_weight


def test_two_classes_agree_with_two_symmetric_columns():
    binary, raw = bound(2, 3.0, 0.4), raw_of(bound(2, 3.0, 0.4))
    z = np.column_stack([-raw / 2, raw / 2])
    expected = by_definition(
        binary.soft_labels, binary.y, binary.sample_weight, z, 3.0, 0.4, 9.0
    )
    assert_allclose(binary.parts(raw), expected, rtol=1e-10)
    assert binary.gradient(raw[:, None]).shape == (binary.n_samples, 1)


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("temperature", [1e-2, 1.0, 1e4])
def test_extreme_logits_and_probabilities_stay_finite(n_classes, temperature):
    proba = np.eye(n_classes)
    loss = CombinedLoss(proba, np.arange(n_classes), temperature=temperature, alpha=0.5)
    for scale in (0.0, 1e4, -1e4):
        raw = scale * (proba[:, 1] if n_classes == 2 else proba)
        value, gradient = loss.value_and_gradient(raw)
        assert np.isfinite(value)
        assert value >= -1e-9
        assert np.isfinite(gradient).all()
        assert np.isfinite(loss.hessian(raw)).all()
        assert np.isfinite(loss.parts(raw)).all()


def distributions():
    def normalise(weights):
        return (weights + 1e-300) / (weights + 1e-300).sum(axis=1, keepdims=True)

    shapes = st.tuples(st.integers(1, 6), st.integers(2, 6))
    return shapes.flatmap(lambda s: arrays(float, s, elements=st.floats(0, 1))).map(normalise)


@settings(max_examples=150, deadline=None)
@given(
    proba=distributions(),
    log_temperature=st.floats(np.log(1e-2), np.log(1e4)),
    alpha=st.floats(0, 1),
    scale=st.floats(0, 1e4),
    seed=st.integers(0, 2**16),
)
def test_any_targets_and_logits_give_a_finite_loss_above_zero(
    proba, log_temperature, alpha, scale, seed
):
    rng = np.random.default_rng(seed)
    y = rng.integers(proba.shape[1], size=len(proba))
    temperature = float(np.exp(log_temperature))
    loss = CombinedLoss(proba, y, temperature=temperature, alpha=alpha)
    raw = raw_of(loss, scale, seed)
    value, gradient = loss.value_and_gradient(raw)
    size = (1 + np.abs(raw).max()) * max(1, temperature)
    assert -1e-12 * size <= value < np.inf
    assert_allclose(value, loss.parts(raw).total, rtol=1e-6, atol=1e-9 * size)
    assert np.isfinite(gradient).all()
    constant = np.broadcast_to(loss.constant(), loss.raw_shape)
    assert loss.parts(constant).total <= loss.parts(raw[[0] * len(raw)]).total + 1e-9 * size


@settings(max_examples=150, deadline=None)
@given(proba=distributions(), log_temperature=st.floats(np.log(1e-2), np.log(1e4)))
def test_softening_keeps_distributions_and_the_argmax(proba, log_temperature):
    soft = soften(proba, np.exp(log_temperature))
    assert_allclose(soft.sum(axis=1), 1, rtol=1e-12)
    assert (soft >= 0).all()
    rows = np.arange(len(proba))
    assert_array_equal(soft[rows, proba.argmax(axis=1)], soft.max(axis=1))


def test_softening_at_one_is_the_identity_and_at_infinity_uniform():
    proba, _, _ = targets(4)
    assert_array_equal(soften(proba, 1), proba)
    assert_allclose(soften(proba, 1e9), 0.25, atol=1e-6)
    assert_allclose(soften_logits(np.log(proba) + 5, 2), soften(proba, 2), atol=1e-6)


def test_logits_invert_the_softmax():
    proba, _, _ = targets(3)
    assert_allclose(softmax(logits(proba), axis=1), proba, rtol=1e-9)
    assert logits([[1.0, 0.0]]).shape == (1,)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"temperature": 0}, "temperature"),
        ({"temperature": np.nan}, "temperature"),
        ({"temperature": np.inf}, "temperature"),
        ({"alpha": -0.1}, "alpha"),
        ({"alpha": np.nan}, "alpha"),
        ({"y": [0, 5]}, "y must hold"),
        ({"y": [0]}, "y has shape"),
        ({"sample_weight": [1, -1]}, "sample_weight"),
        ({"sample_weight": [1, np.nan]}, "sample_weight"),
        ({"classes": ["a"]}, "classes"),
        ({"y": None}, "alpha=1"),
        ({"soft_labels": np.full((2, 2), np.nan)}, "alpha=0"),
        ({"soft_labels": np.ones((2, 1))}, "columns"),
    ],
)
def test_bad_arguments_are_named(change, message):
    good = {"soft_labels": [[0.4, 0.6], [1, 0]], "y": [1, 0]}
    with pytest.raises(ValueError, match=message):
        CombinedLoss(**{**good, **change})
