"""Rows drawn from the leaves of one tree for each column."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal

from skdistill.transfer import ConditionalSampler, conditional


@pytest.fixture
def X():
    rng = np.random.RandomState(0)
    a = rng.randint(6, size=600)
    return np.column_stack([a, rng.randint(9, size=600), a + 100 * (rng.rand(600) < 0.5)])


def test_every_value_was_seen_in_its_column(people):
    rows = ConditionalSampler(random_state=0).fit(people).sample(500)
    for name in people:
        assert set(rows[name].dropna()) <= set(people[name].dropna())


def test_a_column_that_others_determine_stays_determined(X):
    X = np.column_stack([X, X[:, 0] * 2])
    rows = ConditionalSampler(random_state=0).fit(X).sample(3000)
    assert_array_equal(rows[:, 3], 2 * rows[:, 0])


def test_independent_columns_are_drawn_independently(X):
    rows = ConditionalSampler(min_samples_leaf=60, random_state=0).fit(X).sample(5000)
    assert abs(np.corrcoef(rows[:, 0], rows[:, 1])[0, 1]) < 0.1
    counts = np.bincount(rows[:, 1], minlength=9)
    assert_array_equal(np.abs(counts / 5000 - np.bincount(X[:, 1]) / 600) < 0.03, True)


def moved_from(start, sampler):
    """Whether each value of a new row comes from another row than the one it started as."""
    donors = np.tile(start[:, None], sampler.n_features_in_)
    sampler._resample(donors, np.random.RandomState(0))
    return donors != start[:, None]


def test_values_that_are_not_drawn_anew_stay(X):
    start = np.arange(600, dtype=np.int32)
    sampler = ConditionalSampler(resample_probability=0.3, min_samples_leaf=300).fit(X)
    assert moved_from(start, sampler).mean() == pytest.approx(0.3, abs=0.03)


def test_rounds_follow_each_other(X):
    start = np.arange(600, dtype=np.int32)
    once = ConditionalSampler(resample_probability=0.3, min_samples_leaf=300).fit(X)
    thrice = ConditionalSampler(3, resample_probability=0.3, min_samples_leaf=300).fit(X)
    assert moved_from(start, thrice).mean() == pytest.approx(1 - 0.7**3, abs=0.03)
    assert moved_from(start, once).mean() < 0.4


def test_blocks_of_rows_are_all_drawn(X, monkeypatch):
    monkeypatch.setattr(conditional, "_BLOCK", 64)
    rows = ConditionalSampler(random_state=0).fit(X).sample(1000)
    assert len(np.unique(rows[-100:], axis=0)) > 50
    assert set(np.unique(rows[:, 2])) == set(np.unique(X[:, 2]))


@pytest.mark.parametrize("n_jobs", [2, -1])
def test_the_number_of_jobs_changes_nothing(people, n_jobs):
    one = ConditionalSampler(random_state=0).fit(people).sample(50)
    pd.testing.assert_frame_equal(
        ConditionalSampler(n_jobs=n_jobs, random_state=0).fit(people).sample(50), one
    )


def test_trees_are_grown_on_a_part_of_many_rows_and_filled_with_all(X):
    sampler = ConditionalSampler(max_samples=50, random_state=0).fit(X)
    assert all(tree.tree_.n_node_samples[0] == 50 for tree in sampler.trees_)
    assert all(len(leaves._rows) == 600 for leaves in sampler._leaves)


@pytest.mark.parametrize(
    "params",
    [
        {"n_rounds": 0},
        {"resample_probability": 0},
        {"min_samples_leaf": 0},
        {"max_samples": 0},
    ],
)
def test_parameters_out_of_range_are_refused_by_name(params):
    with pytest.raises(ValueError, match=next(iter(params))):
        ConditionalSampler(**params).fit(np.eye(4))
