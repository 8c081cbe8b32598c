"""Rows for a student, from generators by name and of the user's own."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from joblib import Memory
from numpy.testing import assert_array_equal
from sklearn.frozen import FrozenEstimator
from sklearn.neighbors import KernelDensity

from skdistill.transfer import ConditionalSampler, Munge
from skdistill.transfer._generated import count_rows, generate_rows

X = np.random.RandomState(0).standard_normal((60, 3))


class Repeat:
    """A generator that is no scikit-learn estimator: the first rows again."""

    def fit(self, X):
        self.rows = X
        return self

    def sample(self, n_samples, random_state=None):
        return self.rows[:n_samples]


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        (1.0, 50),
        (0.5, 25),
        (20.0, 1000),
        (1e9, 100_000),
        (0.001, 1),
        (7, 7),
        (200_000, 200_000),
    ],
)
def test_a_float_is_a_multiple_with_a_cap_and_an_int_a_number(size, expected):
    assert count_rows(size, 50) == expected


@pytest.mark.parametrize(
    ("name", "generator"), [("munge", Munge()), ("conditional", ConditionalSampler())]
)
def test_a_name_stands_for_a_generator_with_its_defaults(name, generator):
    by_name = generate_rows(name, X, 80, random_state=3)
    assert_array_equal(by_name, generate_rows(generator, X, 80, random_state=3))
    assert by_name.shape == (80, 3)


def test_the_given_generator_is_left_unfitted():
    generator = Munge()
    generate_rows(generator, X, 5, random_state=0)
    assert not hasattr(generator, "neighbors_")
    assert generator.random_state is None


@pytest.mark.parametrize(
    "generator", [KernelDensity(), Repeat()], ids=["density", "own class"]
)
def test_generators_of_others_are_asked_as_ours(generator):
    rows = generate_rows(generator, X, 20, random_state=0)
    assert rows.shape == (20, 3)
    assert_array_equal(rows, generate_rows(generator, X, 20, random_state=0))


def test_a_frozen_generator_is_used_as_it_is():
    frozen = FrozenEstimator(Munge().fit(X + 100))
    assert generate_rows(frozen, X, 20, random_state=0).min() > 50


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame], ids=["pandas", "polars"])
def test_rows_of_another_container_are_refused(frame):
    with pytest.raises(TypeError, match="transfer=KernelDensity made rows of type ndarray"):
        generate_rows(KernelDensity(), frame(X), 20)


def test_rows_of_another_shape_are_refused():
    with pytest.raises(ValueError, match=r"transfer=Repeat made rows of shape \(60, 3\)"):
        generate_rows(Repeat(), X, 61)


def test_rows_are_cached(tmp_path):
    memory = Memory(tmp_path, verbose=0)
    first = generate_rows("munge", X, 20, memory=memory, random_state=0)
    files = sorted(tmp_path.rglob("output.pkl"))
    assert len(files) == 1
    assert_array_equal(generate_rows("munge", X, 20, memory=memory, random_state=0), first)
    generate_rows("munge", X, 20, memory=memory, random_state=1)
    assert len(list(tmp_path.rglob("output.pkl"))) == 2
