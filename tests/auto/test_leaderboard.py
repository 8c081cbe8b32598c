"""The leaderboard: named columns, compared with plain twins and the teacher."""

import copy
import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.naive_bayes import GaussianNB

from skdistill import AutoDistiller
from skdistill.auto._leaderboard import Leaderboard, leaderboard, visible

DRAWS = {
    "tree": np.array([-0.2, -0.3]), "tree, plain": np.array([-0.4, -0.4]),
    "teacher": np.array([-0.1, -0.2]),
}  # fmt: skip


def rows():
    return [
        {"name": "tree, plain", "family": "tree", "kind": "plain", "neg_log_loss": -0.4},
        {"name": "tree", "family": "tree", "kind": "distilled", "plain_twin": "tree, plain",
         "neg_log_loss": -0.25, "bytes": 10.0},
        {"name": "teacher", "family": "teacher", "kind": "teacher", "neg_log_loss": -0.15},
        {"name": "late", "family": "late", "kind": "distilled", "plain_twin": "late, plain",
         "error": "not finished"},
    ]  # fmt: skip


@pytest.fixture
def board():
    return leaderboard(rows(), "neg_log_loss", DRAWS)


def test_the_best_row_is_first_and_failed_ones_last(board):
    assert board["name"].tolist() == ["teacher", "tree", "tree, plain", "late"]
    assert {len(column) for column in board.values()} == {4}


def test_a_row_is_compared_with_its_twin_by_a_field_and_with_the_teacher(board):
    tree, plain, late = (board.row(name) for name in ("tree", "tree, plain", "late"))
    assert_allclose(tree["gain_over_plain"], 0.15)
    assert_allclose([tree[f"gain_over_plain_{end}"] for end in ("low", "high")], [0.1, 0.2])
    assert_allclose(plain["gap_to_teacher"], 0.25)
    assert np.isnan([plain["gain_over_plain"], late["gain_over_plain"]]).all()
    renamed = [row | {"plain_twin": "other"} for row in rows()]
    assert np.isnan(leaderboard(renamed, "neg_log_loss", DRAWS)["gain_over_plain"]).all()


def test_what_a_row_does_not_have_is_empty(board):
    late = board.row("late")
    assert (late["error"], late["fit_path"], late["params"]) == ("not finished", "", {})
    assert np.isnan(late["bytes"])
    assert late["chosen"] is np.False_


def test_a_row_is_called_by_its_kind_and_not_by_its_name():
    named = {
        "name": "a, plain",
        "family": "a, plain",
        "kind": "distilled",
        "neg_log_loss": 0.0,
    }
    plain = {"name": "a, plain, plain", "family": "a, plain", "kind": "plain"}
    board = leaderboard([named, plain], "neg_log_loss", {})
    assert board.in_prose("a, plain") == "a, plain"
    assert board.in_prose("a, plain, plain") == "the plain a, plain"
    with pytest.raises(ValueError, match="no row is called 'b'"):
        board.row("b")


def test_it_is_a_mapping_of_arrays_that_is_copied_and_pickled_whole(board):
    pandas = pytest.importorskip("pandas")
    assert_array_equal(pandas.DataFrame(board)["name"], board["name"])
    assert_array_equal(board.to_frame()["bytes"], board["bytes"])
    for again in (copy.deepcopy(board), pickle.loads(pickle.dumps(board))):
        assert isinstance(again, Leaderboard)
        assert again.metric == "neg_log_loss"
        assert_array_equal(again["name"], board["name"])
    front = board.take(board["bytes"] > 0)
    assert front["name"].tolist() == ["tree"]


def test_notebooks_show_names_and_no_markup_or_control_characters_of_theirs():
    hostile = "<b>\u202etree"
    row = {"name": hostile, "family": "tree", "kind": "distilled", "neg_log_loss": -0.25}
    shown = leaderboard([row | {"chosen": True}], "neg_log_loss", {})._repr_html_()
    assert "&lt;b&gt;\\u202etree (chosen)" in shown
    assert "-0.2500" in shown


@pytest.mark.parametrize("code", [0x061C, 0x200E, 0x200F, 0x202A, 0x202E, 0x2066, 0x2069])
def test_bidirectional_controls_are_shown_as_escapes(code):
    assert visible(f"a{chr(code)}b") == f"a\\u{code:04x}b"
    assert visible("aé\u05d0\n") == "aé\u05d0\n"


def test_notebooks_show_teacher_students_and_the_chosen_one():
    X, y = np.random.default_rng(0).normal(size=(60, 2)), np.arange(60) % 2
    auto = AutoDistiller(students=["tree", ("small", GaussianNB())], n_trials=1)
    shown = auto._repr_mimebundle_()["text/html"]
    for word in ("teacher", "made for X", "tree", "small", "GaussianNB"):
        assert word in shown
    assert "chosen: " not in shown
    auto.set_params(teacher=GaussianNB()).fit(X, y)
    (name,) = auto.leaderboard_["name"][auto.leaderboard_["chosen"]]
    assert f"chosen: {name}" in auto._repr_mimebundle_()["text/html"]
    assert "logistic" in AutoDistiller()._repr_mimebundle_()["text/html"]
