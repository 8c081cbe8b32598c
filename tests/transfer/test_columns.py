"""Columns of any container come back as they were, or moved within their bounds."""

import datetime
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_array_equal
from pandas.testing import assert_frame_equal
from scipy.sparse import csr_array

from skdistill.transfer._columns import Columns, spread_rows

DAY = datetime.date


def every_type():
    """One column of each type that users hold, four rows, missing values where it has them."""
    dates = ["2020-01-01", "2021-01-01", None, "2020-01-01"]
    return pd.DataFrame(
        {
            "int": [1, 3, 5, 9],
            "int8": np.array([1, 2, 3, 4], dtype="int8"),
            "float": [0.5, np.nan, 2.0, 3.0],
            "float32": np.array([1, 2.5, 3, 4], dtype="float32"),
            "bool": [True, False, True, True],
            "Int64": pd.array([1, 2, None, 4], dtype="Int64"),
            "boolean": pd.array([True, None, False, True], dtype="boolean"),
            "arrow int": pd.array([1, 2, None, 4], dtype="int64[pyarrow]"),
            "arrow float": pd.array([1.5, 2, None, 4], dtype="double[pyarrow]"),
            "arrow text": pd.array(["q", None, "w", "q"], dtype="string[pyarrow]"),
            "arrow bool": pd.array([True, None, False, True], dtype="bool[pyarrow]"),
            "text": ["x", "y", None, "x"],
            "category": pd.Categorical(["a", "b", None, "a"], categories=["z", "b", "a"]),
            "ordered": pd.Categorical(["a", "b", "a", "a"], ordered=True),
            "date": pd.to_datetime(dates),
            "date with zone": pd.to_datetime(dates, utc=True),
            "timedelta": pd.to_timedelta([1, 2, None, 4], unit="h"),
            "period": pd.period_range("2020", periods=4, freq="D"),
            "decimal": [Decimal("1.5"), None, Decimal(2), Decimal(3)],
            "mixed": [1, "one", None, 2.5],
            "nothing": [None] * 4,
            "all NaN": [np.nan] * 4,
            "constant": [7] * 4,
        }
    )


def polars_types():
    return pl.DataFrame(
        {
            "int": [1, 3, None, 9],
            "float": [0.5, None, 2.0, 3.0],
            "bool": [True, None, False, True],
            "text": ["x", "y", None, "x"],
            "date": [DAY(2020, 1, 1), DAY(2021, 1, 1), None, DAY(2020, 1, 1)],
            "nothing": [None] * 4,
        }
    ).with_columns(
        pl.col("text").cast(pl.Categorical).alias("category"),
        pl.col("text").cast(pl.Enum(["z", "y", "x"])).alias("enum"),
        pl.col("int").cast(pl.Decimal(10, 2)).alias("decimal"),
        pl.col("float").cast(pl.Float32).alias("float32"),
        pl.col("date").cast(pl.Datetime).alias("time"),
    )


def as_floats(frame):
    """Numbers of the numeric columns of a frame, other columns NaN."""
    frame = frame.to_pandas() if isinstance(frame, pl.DataFrame) else frame
    return np.column_stack([pd.to_numeric(frame[c], "coerce").astype(float) for c in frame])


def identity(columns):
    rows = np.arange(columns.n_samples)
    return np.repeat(rows[:, None], columns.n_columns, axis=1)


def test_a_pandas_frame_comes_back_as_it_was():
    frame = every_type()
    columns = Columns(frame)
    assert_frame_equal(columns.take(identity(columns)), frame)


def test_a_polars_frame_comes_back_as_it_was():
    frame = polars_types()
    columns = Columns(frame)
    assert columns.take(identity(columns)).equals(frame)
    assert columns.take(identity(columns)).schema == frame.schema


@pytest.mark.parametrize("dtype", ["float64", "float32", "int16", "uint8", "bool", "U3", "S3"])
def test_an_array_comes_back_as_it_was(dtype):
    X = np.arange(12).reshape(4, 3).astype(dtype)
    columns = Columns(X)
    again = columns.take(identity(columns))
    assert_array_equal(again, X)
    assert again.dtype == X.dtype


@pytest.mark.parametrize(
    "X",
    [
        ["a text", "another", "a text"],
        [[1.5, 2.0], [3.0, 4.0]],
        np.array([[1, "a", None], [2.5, "b", np.nan]], dtype=object),
        np.array(["a text", "another"], dtype=object),
        pd.Series(["a text", None, "another"], name="text"),
        pl.Series("text", ["a text", None, "another"]),
    ],
    ids=["texts", "lists", "objects", "text array", "series", "polars series"],
)
def test_other_containers_come_back_as_they_were(X):
    columns = Columns(X)
    again = columns.take(identity(columns))
    assert type(again) is type(X)
    assert repr(again) == repr(X)


@pytest.mark.parametrize("frame", [every_type(), polars_types()], ids=["pandas", "polars"])
def test_missing_values_have_rank_minus_one(frame):
    missing = frame.to_pandas() if isinstance(frame, pl.DataFrame) else frame
    assert_array_equal(Columns(frame).ranks == -1, missing.isna())


def test_ranks_order_numbers_and_dates_as_they_are():
    columns = Columns(every_type()[["int", "date", "ordered", "float"]])
    expected = [[0, 0, 0, 0], [1, 1, 1, -1], [2, -1, 0, 1], [3, 0, 0, 2]]
    assert_array_equal(columns.ranks, expected)


def test_text_truth_values_and_unordered_categories_are_categories():
    frame = every_type()
    flags = dict(zip(frame.columns, Columns(frame).categorical, strict=True))
    assert {name for name, flag in flags.items() if flag} == {
        "bool", "boolean", "arrow text", "arrow bool", "text", "category", "period", "mixed",
    }  # fmt: skip


def test_numbers_of_more_than_two_values_may_be_moved_and_nothing_else():
    frame = every_type().assign(flag=[0, 1, 0, 1], large=[2**60, 1, 2, 3])
    movable = {frame.columns[j] for j in Columns(frame).numbers}
    assert movable == {
        "int", "int8", "float", "float32", "Int64", "arrow int", "arrow float",
    }  # fmt: skip


@pytest.mark.parametrize("frame", [every_type(), polars_types()], ids=["pandas", "polars"])
def test_moved_numbers_stay_in_range_and_keep_type_and_step(frame):
    columns = Columns(frame)
    where = np.array([0, 3])
    moved = {j: (where, columns.within(j, np.array([-1e9, 2.2]))) for j in columns.numbers}
    again = columns.take(identity(columns), moved)
    kinds = [getattr(f, "schema", None) or f.dtypes.to_dict() for f in (again, frame)]
    assert kinds[0] == kinds[1]
    for j, old in columns.numbers.items():
        new = as_floats(again)[:, j]
        whole = (np.round(old) == old)[~np.isnan(old)].all()
        assert new[0] == np.nanmin(old)
        assert new[3] == 2.2 or new[3] == np.float32(2.2) or (whole and new[3] in (2, 3))
    assert list(again["int"])[3] == 3  # of step 2, from 1


def test_moved_numbers_keep_the_type_of_an_array():
    X = np.array([[1, 2], [5, 9], [3, 4]], dtype=np.int16)
    columns = Columns(X)
    moved = {0: (np.array([1]), columns.within(0, np.array([3.9])))}
    again = columns.take(identity(columns), moved)
    assert again.dtype == np.int16
    assert_array_equal(again, [[1, 2], [3, 9], [3, 4]])


def test_infinite_numbers_are_values_and_not_moved_to():
    columns = Columns(np.array([[-np.inf], [0.5], [2.0], [np.inf]]))
    assert_array_equal(columns.ranks[:, 0], [0, 1, 2, 3])
    assert_array_equal(columns.within(0, np.array([-np.inf, 7, 1])), [0.5, 2, 1])


def test_coordinates_keep_categories_and_missing_values_apart():
    columns = Columns(pd.DataFrame({"c": ["a", "b", None, "c"], "x": [0.0, np.nan, 5, 9]}))
    points = columns.coordinates(0)
    distances = np.linalg.norm(points[:, None] - points, axis=2)
    assert_array_equal(np.isclose(distances, 1), ~np.eye(4, dtype=bool))
    assert_array_equal(columns.coordinates(1), [[0, 0], [0.5, 1], [0.5, 0], [1, 0]])


def test_ten_thousand_levels_take_few_dimensions():
    columns = Columns(pd.DataFrame({"c": [f"level {i}" for i in range(10_000)]}))
    points = columns.coordinates(0)
    assert points.shape == (10_000, 8)
    assert len(np.unique(points, axis=0)) == 10_000


def test_columns_of_one_name_stay_apart():
    frame = pd.DataFrame([[1, 4], [2, 5], [3, 6]], columns=["a", "a"])
    columns = Columns(frame)
    assert_frame_equal(columns.take(identity(columns)), frame)


def test_spread_rows_names_each_row_equally_often():
    rows = spread_rows(7, 31, np.random.RandomState(0))
    assert set(np.bincount(rows)) == {4, 5}


@pytest.mark.parametrize(
    ("X", "error", "says"),
    [
        (csr_array(np.eye(3)), TypeError, "X is sparse.*pass a dense X"),
        (np.zeros((0, 3)), ValueError, "0 sample"),
        (np.zeros((3, 0)), ValueError, "0 feature"),
        (np.zeros(3), ValueError, "Reshape your data"),
        (np.zeros((3, 2, 2)), ValueError, "two dimensions"),
        (np.ones((3, 2)) * 1j, ValueError, "Complex data not supported"),
        (pd.DataFrame({"a": [[1], [2]]}), TypeError, "column 0 of X.*turn it into text"),
    ],
    ids=["sparse", "no row", "no column", "one dimension", "three", "complex", "lists"],
)
def test_what_cannot_be_generated_is_refused(X, error, says):
    with pytest.raises(error, match=says):
        Columns(X)
