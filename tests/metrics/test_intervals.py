"""The interval of every estimate: rows are resampled, groups whole, differences paired."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_array
from scipy.stats import bootstrap

from skdistill.metrics import retention
from skdistill.metrics._intervals import interval, mean_intervals, resampled_sums, resamples

VALUES = np.random.default_rng(0).exponential(size=(200, 2)) + np.array([0.0, 0.5])
PAIRS = np.repeat(np.arange(100), 2)


def test_a_mean_has_the_interval_of_scipys_percentile_bootstrap():
    ours = mean_intervals(VALUES, n_resamples=9999)
    for column, (value, low, high) in zip(VALUES.T, ours, strict=True):
        theirs = bootstrap((column,), np.mean, method="percentile", random_state=1)
        assert value == pytest.approx(column.mean())
        assert_allclose([low, high], theirs.confidence_interval, atol=0.02)


def test_columns_are_measured_on_the_same_resamples():
    shifted = mean_intervals(VALUES[:, [0, 0]] + [[0.0, 3.0]])
    assert_allclose(np.array(shifted[1]) - np.array(shifted[0]), 3)


def test_groups_are_drawn_whole():
    for times in resamples(200, groups=PAIRS, n_resamples=5):
        assert_array_equal(times[::2], times[1::2])
        assert times[::2].sum() == 100
    twice = mean_intervals(np.repeat(VALUES[:100], 2, axis=0), groups=PAIRS)
    assert_allclose(twice, mean_intervals(VALUES[:100]))
    losses = np.random.default_rng(0).random((3, 100)) * [[1.0], [1.2], [1.6]]
    paired = retention(*np.repeat(losses, 2, axis=1), groups=PAIRS)
    assert paired == pytest.approx(retention(*losses))


def test_an_interval_of_groups_is_wider_than_one_of_their_rows():
    rows = np.repeat(VALUES[:100], 2, axis=0)
    width = [np.subtract(*mean_intervals(rows, groups=g)[0][:0:-1]) for g in (PAIRS, None)]
    assert width[0] > 1.2 * width[1]  # sqrt(2), save for noise


def test_weights_of_0_and_1_leave_the_rows_that_have_weight():
    weight = (np.arange(200) < 150).astype(float)
    value, low, high = mean_intervals(VALUES, sample_weight=weight)[0]
    alone = mean_intervals(VALUES[:150])[0]
    assert value == pytest.approx(alone.value)
    assert_allclose([low, high], alone[1:], atol=0.05)


def test_sums_of_sparse_columns_are_those_of_dense_ones():
    assert_allclose(resampled_sums(csr_array(VALUES)), resampled_sums(VALUES))


@pytest.mark.parametrize("how", [{"n": 1}, {"n": 4, "groups": np.zeros(4)}])
def test_a_single_row_or_group_has_no_interval(how):
    found = mean_intervals(VALUES[: how["n"]], groups=how.get("groups"))[0]
    assert found.value == pytest.approx(VALUES[: how["n"], 0].mean())
    assert np.isnan(found[1:]).all()


def test_draws_without_a_value_are_left_out():
    assert interval(1.0, [np.nan, 0.0, 2.0]) == (1.0, 0.0, 2.0)
    assert np.isnan(interval(np.nan, [1.0, 2.0])).all()
    assert interval(0.5, [-np.inf, 0.4, np.inf]) == (0.5, -np.inf, np.inf)
