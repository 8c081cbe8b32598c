"""What every generator of rows keeps to."""

import pickle
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_array_equal
from pandas.testing import assert_frame_equal
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.utils.estimator_checks import check_estimator

from skdistill.transfer import ConditionalSampler, Munge

GENERATORS = [Munge(random_state=0), ConditionalSampler(random_state=0)]
each = pytest.mark.parametrize("generator", GENERATORS, ids=lambda g: type(g).__name__)


@each
def test_is_a_scikit_learn_estimator(generator):
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Skipping check")
        check_estimator(clone(generator))


@each
def test_rows_of_a_frame_keep_columns_types_ranges_and_categories(generator, people):
    rows = clone(generator).fit(people).sample(2000)
    assert_frame_equal(rows.iloc[:0], people.iloc[:0].reset_index(drop=True))
    assert_array_equal(rows.index, np.arange(2000))
    for name in ("age", "pay", "since", "decade"):
        assert people[name].min() <= rows[name].min()
        assert rows[name].max() <= people[name].max()
    assert set(rows["job"].unique()) == {"office", "field", "retired"}
    assert set(rows["note"].dropna()) == {"old text"}
    assert set(rows["since"]) <= set(people["since"])
    assert (rows["decade"] % 10 == 0).all()


@each
def test_a_missing_value_is_a_value_of_the_column(generator, people):
    rows = clone(generator).fit(people).sample(3000)
    assert rows["pay"].isna().mean() == pytest.approx(people["pay"].isna().mean(), abs=0.05)


@each
def test_new_rows_depend_as_the_old_ones_do(generator, people):
    rows = clone(generator).fit(people).sample(3000)
    retired = rows["job"] == "retired"
    assert retired.mean() == pytest.approx((people["job"] == "retired").mean(), abs=0.05)
    assert (rows["age"][retired] > 60).mean() > 0.8  # .33 among all
    assert np.corrcoef(rows["age"], rows["decade"])[0, 1] > 0.9
    assert (rows["note"].notna() == retired).mean() > 0.8


@each
def test_polars_rows_keep_their_schema(generator, people):
    frame = pl.from_pandas(people)
    rows = clone(generator).fit(frame).sample(50)
    assert rows.schema == frame.schema
    assert rows.shape == (50, people.shape[1])


@each
@pytest.mark.parametrize("dtype", ["float32", "float64", "int32", "bool", "U4", "object"])
def test_rows_of_an_array_keep_its_type(generator, dtype):
    X = np.random.RandomState(0).randint(5, size=(40, 3)).astype(dtype)
    rows = clone(generator).fit(X).sample(100)
    assert rows.dtype == X.dtype
    assert set(rows.ravel()) <= set(X.ravel())


@each
def test_texts_are_one_column_taken_whole(generator):
    texts = ["one text", "another", "a third"]
    rows = clone(generator).fit(texts).sample(20)
    assert isinstance(rows, list)
    assert set(rows) == set(texts)


@each
@pytest.mark.parametrize("shape", [(1, 3), (2, 3), (3, 1), (1, 1)])
def test_the_smallest_tables_have_rows_like_them(generator, shape):
    X = np.random.RandomState(0).standard_normal(shape)
    rows = clone(generator).fit(X).sample(11)
    assert rows.shape == (11, shape[1])
    assert (rows >= X.min(axis=0)).all()
    assert (rows <= X.max(axis=0)).all()


@each
def test_duplicated_rows_are_drawn_as_often_as_they_stand(generator):
    X = np.repeat([[1.0, 2.0], [3.0, 4.0]], [30, 10], axis=0)
    rows = clone(generator).fit(X).sample(400)
    assert (rows[:, 0] == 1).mean() == pytest.approx(0.75, abs=0.05)
    assert_array_equal(rows[:, 1], rows[:, 0] + 1)


@each
def test_constant_and_missing_columns_stay_so(generator):
    frame = pd.DataFrame({"x": np.arange(20.0), "c": 7, "n": np.nan, "o": [None] * 20})
    rows = clone(generator).fit(frame).sample(50)
    assert (rows["c"] == 7).all()
    assert rows[["n", "o"]].isna().all(axis=None)


@each
def test_ten_thousand_levels_stay_known(generator):
    levels = [f"level {i % 10_000}" for i in range(12_000)]
    frame = pd.DataFrame({"level": pd.Categorical(levels), "x": np.arange(12_000) % 10_000})
    rows = clone(generator).fit(frame).sample(500)
    assert_array_equal(rows["level"].cat.categories, frame["level"].cat.categories)
    assert rows["level"].notna().all()


@each
def test_one_seed_gives_one_table_and_another_seed_another(generator, people):
    fitted = clone(generator).fit(people)
    again = clone(generator).fit(people)
    assert_frame_equal(fitted.sample(50), again.sample(50))
    assert_frame_equal(fitted.sample(50, random_state=3), again.sample(50, random_state=3))
    assert not fitted.sample(50, random_state=3).equals(fitted.sample(50, random_state=4))


@each
def test_a_pickled_generator_draws_the_same_rows(generator, people):
    fitted = clone(generator).fit(people)
    loaded = pickle.loads(pickle.dumps(fitted))
    assert_frame_equal(fitted.sample(20), loaded.sample(20))


@each
def test_the_given_rows_are_left_as_they_were(generator, people):
    before = people.copy()
    clone(generator).fit(people).sample(500)
    assert_frame_equal(people, before)


@each
def test_the_index_of_a_frame_does_not_matter(generator, people):
    other = people.set_index(np.arange(300)[::-1] // 2)
    expected = clone(generator).fit(people).sample(50)
    assert_frame_equal(clone(generator).fit(other).sample(50), expected)


@each
def test_sparse_rows_are_refused_by_name(generator):
    with pytest.raises(TypeError, match="X is sparse"):
        clone(generator).fit(csr_array(np.eye(4)))


@each
@pytest.mark.parametrize("n_samples", [0, -3, 2.5, None])
def test_a_number_of_rows_that_is_none_is_refused(generator, n_samples):
    fitted = clone(generator).fit(np.eye(4))
    with pytest.raises(ValueError, match="n_samples must be an int of at least 1"):
        fitted.sample(n_samples)


@each
def test_an_unfitted_generator_says_so(generator):
    with pytest.raises(NotFittedError):
        clone(generator).sample(3)
