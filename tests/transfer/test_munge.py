"""Rows between neighbours, as Bucila et al. (2006) make them."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal

from skdistill.transfer import Munge


def test_neighbours_are_the_nearest_other_rows():
    X = np.array([[0, 0], [1, 1], [5, 8], [6, 9], [7, 4]])
    assert_array_equal(Munge().fit(X).neighbors_[:, 0], [1, 0, 3, 2, 2])


def test_more_neighbours_than_rows_are_those_there_are():
    assert Munge(n_neighbors=50).fit(np.eye(4)).neighbors_.shape == (4, 3)


def test_many_rows_find_their_neighbours_inside_parts_of_them():
    X = np.random.RandomState(0).standard_normal((50, 3))
    neighbors = Munge(max_samples=12, n_neighbors=3, random_state=0).fit(X).neighbors_
    assert neighbors.shape == (50, 3)
    assert (neighbors != np.arange(50)[:, None]).all()
    whole = Munge(n_neighbors=3).fit(X).neighbors_
    assert 0.1 < np.mean(neighbors == whole) < 0.5


def test_numbers_are_normal_around_the_neighbour():
    X = pd.DataFrame({"x": [0, 1000, 1001.5, 3000], "pair": ["a", "b", "b", "a"]})
    rows = Munge(swap_probability=1, local_variance=3, random_state=0).fit(X).sample(40_000)
    drawn = rows["x"][rows["pair"] == "b"]
    assert len(drawn) == 20_000
    assert drawn.mean() == pytest.approx(1000.75, abs=0.03)
    assert drawn.std() == pytest.approx(np.hypot(0.75, 1.5 / 3), abs=0.02)


def test_a_swap_is_as_probable_as_asked():
    X = np.repeat([[False], [True]], 40, axis=1)
    rows = Munge(swap_probability=0.25, random_state=0).fit(X).sample(4000)
    share = rows.mean(axis=1)
    assert np.minimum(share, 1 - share).mean() == pytest.approx(0.25, abs=0.01)


@pytest.mark.parametrize(
    "params", [{"swap_probability": 0}, {"local_variance": 0}, {"n_neighbors": 0}]
)
def test_parameters_out_of_range_are_refused_by_name(params):
    with pytest.raises(ValueError, match=next(iter(params))):
        Munge(**params).fit(np.eye(4))
