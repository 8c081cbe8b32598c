"""The report as a page: what it says is what was found, and it says it harmlessly."""

import copy
import json
import os
import pickle
import re
import subprocess
import sys
from html import unescape
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_matrix
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_breast_cancer, make_classification
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold, train_test_split
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils import Bunch

from skdistill import AutoDistiller, DistilledClassifier
from skdistill.auto._provenance import data_hash
from skdistill.report import distillation_report, write_report
from skdistill.report.page import _anatomy
from skdistill.report.page._columns import parts, shown
from skdistill.report.page._decision import decision
from skdistill.report.page._figures import figures
from skdistill.report.page._from_auto import case_of_auto
from skdistill.report.page._from_report import case_of_report
from skdistill.report.page._refits import Refits, stability
from skdistill.report.page._reproduction import snippet, source
from skdistill.report.page._words import compared, microseconds, number, percent, signed, size
from skdistill.report.page._write import _case, _facts, plain

pytest.importorskip("jinja2")
pytest.importorskip("matplotlib")

# joblib times its writes, and a busy disk is no fault
pytestmark = [
    pytest.mark.filterwarnings("ignore:Persisting input arguments"),
    pytest.mark.filterwarnings("ignore:the teacher's neg_log_loss is worse"),
]

X, CODES = make_classification(
    240, 5, n_informative=4, n_redundant=0, flip_y=0.2, random_state=0
)
Y = np.array(["no", "yes"])[CODES]
TREE = DecisionTreeClassifier(max_depth=3)
PAIR = [("tree", TREE), ("linear", make_pipeline(StandardScaler(), LogisticRegression()))]
FOREIGN = "\N{CJK UNIFIED IDEOGRAPH-6811}"  # which the font of the pictures lacks
NO_MODEL = {"model": {"permutation": {"missing": "not drawn"}}}
HOSTILE = f'<script>alert("1")</script> & "$\\frac$" <img src=x onerror=alert(1)> {FOREIGN}'
SECTIONS = {
    "decision": "What to ship", "leaderboard": "What quality costs",
    "trust": "Whether to trust it", "decisions": "Right and wrong decisions",
    "model": "The model itself", "stability": "Five refits",
    "ablation": "What paid", "reproduction": "How to make it again",
}  # fmt: skip


def explore(students=PAIR, *, X=X, y=Y, teacher=None, n_trials=1, fit=None, **options):
    teacher = GaussianNB() if teacher is None else teacher
    auto = AutoDistiller(teacher, students, n_trials=n_trials, random_state=0, **options)
    return auto.fit(X, y, **(fit or {}))


@pytest.fixture(scope="module")
def auto():
    return explore(n_trials=3)


def written(source, folder, *args, **options):
    """Page and card."""
    path = write_report(source, folder / "report.html", *args, **options)
    card = (folder / "model_card.json").read_text(encoding="utf-8")
    return path.read_text(encoding="utf-8"), json.loads(card, parse_constant=pytest.fail)


def card_of(source, X=None, y=None, **given):
    """The card alone: pictures take longer than all the rest."""
    beside = dict.fromkeys(("sample_weight", "groups", "teacher_proba"))
    return plain(_facts(_case(source, X, y, beside | given)))


@pytest.fixture(scope="module")
def bare(auto, tmp_path_factory):
    """Written without rows."""
    return written(auto, tmp_path_factory.mktemp("report"))


@pytest.fixture(scope="module")
def compared_pages(report, tmp_path_factory):
    return written(report, tmp_path_factory.mktemp("report"))


@pytest.fixture(scope="module")
def both(auto, tmp_path_factory):
    return written(auto, tmp_path_factory.mktemp("report"), X, Y)


@pytest.fixture(scope="module")
def report():
    train, test = np.arange(160), np.arange(160, 240)
    model = DistilledClassifier(GaussianNB(), clone(TREE), cv=3, random_state=0)
    model.fit(X[train], Y[train])
    return distillation_report(model, X[test], Y[test], X_train=X[train], y_train=Y[train])


class Elements(HTMLParser):
    """Tags with their attributes, in the order of a page."""

    def __init__(self, page):
        super().__init__()
        self.found = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    handle_startendtag = handle_starttag


def row_of(auto, name):
    board = auto.leaderboard_
    return {column: values[board["name"] == name][0] for column, values in board.items()}


def chosen_of(auto):
    return str(auto.leaderboard_["name"][auto.leaderboard_["chosen"]][0])


def variant(card, words):
    return next(
        one for one in card["ablation"]["variants"] if one["variant"].startswith(words)
    )


# What it says ------------------------------------------------------------------------


def test_a_page_has_eight_sections_and_a_card_of_the_same_facts(both):
    page, card = both
    titles = re.findall(r"<h2[^>]*><span[^>]*>(\d)</span>(.*?)</h2>", page)
    expected = enumerate(SECTIONS.values(), start=1)
    assert titles == [(str(number), title) for number, title in expected]
    assert list(card) == list(SECTIONS)
    assert card["decision"]["headline"] in page
    assert card["decision"]["reason"] in unescape(page)
    assert card["reproduction"]["data_hash"] in page
    assert card["reproduction"]["code"] in unescape(page)


def test_each_figure_of_the_leaderboard_is_its_own(both, auto):
    page, card = both
    table = page[page.index('id="leaderboard-caption"') :]
    lines = re.findall(r"<tr[ >].*?</tr>", table[: table.index("</table>")], re.DOTALL)[1:]
    names = [re.search(r'<th scope="row">(.*?)<small>', line)[1] for line in lines]
    assert names == auto.leaderboard_["name"].tolist()
    for name, line, fact in zip(names, lines, card["leaderboard"], strict=True):
        row = row_of(auto, name)
        columns = [
            "neg_log_loss",
            "gain_over_plain",
            "gap_to_teacher",
            "accuracy",
            "agreement",
        ]
        columns = [c for c in [*columns, "bytes", "latency_us"] if np.isfinite(row[c])]
        columns = [c for c in columns if (c, name) != ("agreement", "teacher")]
        exact = [float(value) for value in re.findall(r'<data value="(.*?)"', line)]
        assert exact == [row[column] for column in columns]
        assert number(row["log_loss"]) in line
        for column in columns:
            assert fact[column] == row[column]


def test_the_tiles_are_those_of_the_chosen_row(both, auto):
    _, card = both
    found = card["decision"]
    ship, teacher = row_of(auto, chosen_of(auto)), row_of(auto, "teacher")
    assert found["latency_us"] == ship["latency_us"]
    assert found["times_smaller"] == teacher["bytes"] / ship["bytes"]
    assert found["gap_to_teacher"]["value"] == ship["gap_to_teacher"]
    twin = row_of(auto, found["distilled"])
    assert found["gain_over_plain"]["low"] == twin["gain_over_plain_low"]
    assert found["n_columns"] == 5


def test_the_chosen_student_fitted_again_is_that_of_the_leaderboard(both, auto):
    _, card = both
    own = row_of(auto, chosen_of(auto))["neg_log_loss"]
    ships = [one for one in card["ablation"]["variants"] if one["chosen"]]
    assert len(ships) == 1
    assert_allclose(ships[0]["neg_log_loss"], own)
    assert_allclose(card["stability"]["whole"], own)


def test_an_ablation_goes_from_hard_labels_to_calibrated_ones_in_paired_steps(both):
    _, card = both
    variants = card["ablation"]["variants"]
    assert [one["variant"] for one in variants][:4] == [
        "hard labels alone", "in-sample labels of the teacher", "out-of-fold labels",
        "out-of-fold labels, calibrated",
    ]  # fmt: skip
    hard = variants[0]["neg_log_loss"]
    for one in variants:
        gain = one["over_hard"]
        assert_allclose(gain["value"], one["neg_log_loss"] - hard)
        assert gain["low"] <= gain["value"] <= gain["high"]
    assert variants[0]["over_hard"] == {"value": 0, "low": 0, "high": 0}


def test_an_ablation_of_generated_rows_says_what_they_pay():
    pairs = {"temperatures": [1.0], "alphas": [1.0], "transfer": "munge", "transfer_size": 1.0}
    auto = explore([("tree", TREE)], selection=distilled_first, **pairs)
    variants = card_of(auto, X, Y)["ablation"]["variants"]
    names = [one["variant"] for one in variants]
    assert names[-1] == "out-of-fold labels, calibrated, and generated rows"
    assert [one["chosen"] for one in variants] == [False] * (len(names) - 1) + [True]


def distilled_first(board):
    return int(np.flatnonzero(board["kind"] == "distilled")[0])


def test_five_refits_differ_and_say_how_far(both):
    _, card = both
    found = card["stability"]
    scores = [one["neg_log_loss"] for one in found["refits"]]
    assert len(set(scores)) == 5
    assert_allclose([found["mean"], found["sd"]], [np.mean(scores), np.std(scores, ddof=1)])
    spread = found["agreement"]
    assert 0.5 < spread["lowest"] <= spread["mean"] <= spread["highest"] <= 1
    assert all(len(one["top_features"]) <= 5 for one in found["refits"])


def test_worst_rows_are_those_of_x_where_the_two_are_farthest_apart(both, auto):
    _, card = both
    kept, worst = auto.held_out_, card["trust"]["worst_rows"]
    apart = np.abs(kept.proba["teacher"] - kept.proba[chosen_of(auto)]).sum(axis=1) / 2
    assert_allclose([row["apart"] for row in worst], np.sort(apart)[::-1][:10])
    for row in worst:
        assert row["outcome"] == Y[row["row"]]
        assert row["values"]["x2"] == f"{X[row['row'], 2]:.4g}"


def test_the_code_makes_the_student_that_was_chosen(both, auto):
    _, card = both
    names = {"X": X, "y": Y}
    exec(card["reproduction"]["code"], names)
    assert_allclose(names["student"].predict_proba(X), auto.predict_proba(X))


def test_the_same_report_is_written_twice_alike(auto, bare, tmp_path):
    assert written(auto, tmp_path) == bare


def plain_first(board):
    return int(np.flatnonzero(board["kind"] == "plain")[0])


def test_the_code_of_a_student_on_hard_labels_is_its_own_fit_unless_that_needs_more():
    student, weight = clone(TREE).set_params(max_features=2), np.arange(240.0)
    plain_one = {"students": [("tree", student)], "selection": plain_first}
    for auto, given, distils in (
        (explore(**plain_one), {}, False),
        (explore(**plain_one, fit={"sample_weight": weight}), {"sample_weight": weight}, True),
    ):
        code = snippet(case_of_auto(auto, *5 * [None]))
        assert ("DistilledClassifier" in code) == distils
        names = {"X": X, "y": Y, **given}
        exec(code, names)
        assert_array_equal(names["student"].predict_proba(X), auto.predict_proba(X))


def test_the_code_of_a_student_that_takes_codes_alone_is_run_by_one_that_takes_labels():
    kind = pytest.importorskip("xgboost").XGBClassifier
    auto = explore([("x", kind(n_estimators=2))], selection=plain_first)
    exec(snippet(case_of_auto(auto, *5 * [None])), names := {"X": X, "y": Y})
    assert_array_equal(names["student"].predict_proba(X), auto.predict_proba(X))


@pytest.mark.parametrize(
    ("low", "high", "chosen", "limit", "headline"),
    [
        (0.01, 0.03, "tree", None, "Ship tree: distilling pays"),
        (-0.01, 0.03, "tree", None, "No detectable gain: the plain tree serves as well"),
        (-0.03, -0.01, "tree", None, "Distilling does harm: prefer the plain tree"),
        (-0.01, 0.03, "tree", 2000, "Ship tree: the plain tree does not meet the limits"),
        (0.01, 0.03, "tree, plain", None, "Ship the plain tree; distilling it would pay"),
        (-0.01, 0.03, "tree, plain", None, "Ship the plain tree: no detectable gain"),
    ],
)
def test_the_headline_says_what_the_gain_says(auto, low, high, chosen, limit, headline):
    auto = copy.copy(auto).set_params(max_bytes=limit)
    auto.leaderboard_ = board = auto.leaderboard_.take(np.arange(5))
    tree = board["name"] == "tree"
    for end, value in (("", (low + high) / 2), ("_low", low), ("_high", high)):
        board[f"gain_over_plain{end}"][tree] = value
    board["chosen"] = board["name"] == chosen
    board["bytes"] = np.where(tree, 1000.0, 3000.0)
    found = decision(case_of_auto(auto, *5 * [None]), {"permutation": {}}, {"missing": "rows"})
    assert found["headline"].startswith(headline)
    word = "higher" if high < 0 else "lower"
    assert f"log-loss of tree is {word} by" in found["reason"]
    assert ("which holds 0" in found["reason"]) == (low < 0 < high)


SAME = {"variant": "labels", "chosen": True}


def verdict_of(auto, labels=None, **columns):
    """The decision for the tree, with columns of its row and its plain twin's changed."""
    auto = copy.copy(auto)
    auto.leaderboard_ = board = auto.leaderboard_.take(np.arange(5))
    for name, values in columns.items():
        for row, value in values.items():
            board[name][board["name"] == row] = value
    board["chosen"] = board["name"] == "tree"
    paid = {"missing": "rows"}
    if labels is not None:
        ends = dict(zip(("value", "low", "high"), labels, strict=True))
        paid = {"missing": "", "variants": [SAME | {"over_hard": ends}]}
    return decision(case_of_auto(auto, *5 * [None]), {"permutation": {}}, paid)


GAINS = {"gain_over_plain": {"tree": 0.02}, "gain_over_plain_low": {"tree": 0.01}} | {
    "gain_over_plain_high": {"tree": 0.03}, "gap_to_teacher_high": {"tree": 0.1},
}  # fmt: skip


def test_a_gain_is_put_down_to_the_labels_or_to_the_parameters(auto):
    labels = verdict_of(auto, labels=(0.02, 0.01, 0.03), **GAINS)
    assert labels["headline"] == "Ship tree: distilling pays"
    assert "the gain comes from the teacher's labels" in labels["reason"]
    params = verdict_of(auto, labels=(0.001, -0.01, 0.012), **GAINS)
    assert params["headline"] == "Ship tree: its parameters gain, not the teacher's labels"
    assert "which holds 0) than that of the same parameters" in params["reason"]


def test_a_student_ahead_of_its_teacher_asks_for_a_stronger_one(auto):
    ahead = {f"gap_to_teacher{end}": {"tree": -0.02} for end in ("", "_low", "_high")}
    found = verdict_of(auto, **GAINS | ahead)
    assert found["headline"].endswith("; it beats its teacher: give a stronger teacher")
    assert "ahead of its teacher" in found["teacher"]


def test_a_teacher_worse_than_the_plain_student_is_told_in_words(auto):
    worse = {"gap_to_teacher": {"tree, plain": -0.03}} | {
        "gap_to_teacher_low": {"tree, plain": -0.05},
        "gap_to_teacher_high": {"tree, plain": -0.01},
    }
    said = verdict_of(auto, **GAINS | worse)["teacher"]
    assert said.startswith("The teacher is worse than the student on hard labels: log-loss of")
    assert "lower by 0.0300 (95 % interval 0.0100 to 0.0500)" in said
    level = {"gap_to_teacher_high": {"tree, plain": 0.01, "tree": 0.1}}
    assert verdict_of(auto, **GAINS | level)["teacher"] == ""


def test_a_manager_is_told_right_answers_in_a_thousand_and_the_price(auto):
    counts = {"accuracy": {"tree": 0.9, "tree, plain": 0.8754, "teacher": 0.95}}
    price = {"bytes": {"tree": 10.0, "teacher": 1000.0}} | {
        "latency_us": {"tree": 50.0, "teacher": 100.0}
    }
    said = verdict_of(auto, **GAINS | counts | price)["for_managers"]
    assert "900 by tree, 875 by the same student without the teacher, 950 by the" in said
    assert "100\N{NO-BREAK SPACE}\N{MULTIPLICATION SIGN} smaller and 2" in said


def test_a_share_of_next_to_no_lead_is_not_shown(auto):
    held_out = copy.copy(auto.held_out_)
    proba, plain = held_out.proba["tree"], held_out.proba["tree, plain"]
    perfect = np.eye(2)[CODES][held_out.test]
    for teacher, told in ((0.999 * plain + 0.001 * proba, False), (perfect, True)):
        auto = copy.copy(auto)
        auto.held_out_ = Bunch(**held_out | {"proba": held_out.proba | {"teacher": teacher}})
        found = verdict_of(auto)["lead_kept"]
        assert (found is not None) == told


def test_decisions_are_those_of_the_chosen_row_on_held_out_rows(both, auto):
    _, card = both
    kept, found = auto.held_out_, card["decisions"]
    score, event = kept.proba[chosen_of(auto)][:, 1], kept.y == "yes"
    for one in found["thresholds"]:
        accepted = score >= one["threshold"]
        assert_allclose(one["accepted"], accepted.mean())
        assert_allclose(one["recall"], accepted[event].mean())
        if accepted.any():
            assert_allclose(one["precision"], event[accepted].mean())
    assert np.sum(found["confusion"]) == len(event)
    right = np.trace(found["confusion"]) / len(event)
    assert_allclose(right, row_of(auto, chosen_of(auto))["accuracy"])


def test_the_stability_is_told_beside_the_figure_of_the_leaderboard(both, auto):
    page, card = both
    own = row_of(auto, chosen_of(auto))["neg_log_loss"]
    assert card["stability"]["headline"] == own
    assert f"The leaderboard says {number(-own)}" in unescape(page)


def test_a_bar_counts_the_refits_where_the_exploration_had_one(auto, tmp_path, capfd):
    written(copy.copy(auto).set_params(verbose=1), tmp_path, X, Y)
    told = capfd.readouterr()
    n_fits = 1 + 5 + len(card_of(auto, X, Y)["ablation"]["variants"])
    assert f"{n_fits}/{n_fits}" in told.err
    assert "report:" in told.err
    written(auto, tmp_path, X, Y)
    assert capfd.readouterr() == ("", "")


# How safely ---------------------------------------------------------------------------


def test_names_and_labels_are_text_whatever_they_hold(tmp_path):
    frame = pd.DataFrame(X, columns=[f"{HOSTILE} {i}" for i in range(5)])
    y = np.array([f"0 {HOSTILE}", f"1 {HOSTILE}"])[CODES]
    students = [(HOSTILE, TREE)]
    page, card = written(explore(students, X=frame, y=y), tmp_path, frame, y)
    tags = {tag for tag, _ in Elements(page).found}
    assert not tags & {"script", "img", "b"}
    assert not any(key.startswith("on") for _, keys in Elements(page).found for key in keys)
    assert card["model"]["rules"] in unescape(page)
    assert HOSTILE in card["model"]["rules"]
    words = re.findall(r"<text[^>]*>(.*?)</text>", page, re.DOTALL)
    assert any(HOSTILE in unescape(text) for text in words)


def test_a_name_that_turns_others_round_is_shown_with_its_escapes(tmp_path):
    turned = "safe\u202eeert\u2066 plain"
    page, card = written(explore([(turned, TREE)]), tmp_path)
    text = (tmp_path / "model_card.json").read_text(encoding="utf-8")
    for written_text in (page, text):
        assert not {"\u202e", "\u2066"} & set(written_text)
        assert "safe\\u202eeert\\u2066" in written_text
    assert card["decision"]["chosen"].startswith(turned)  # what JSON means is what it was


@pytest.mark.parametrize("source", ["bare", "compared_pages", "letters"])
def test_a_page_stands_alone_and_is_small(source, request, tmp_path):
    if source == "letters":
        rng = np.random.default_rng(0)
        codes, rows = np.arange(780) % 26, rng.normal(size=(780, 16))
        rows[np.arange(780), codes % 16] += 3 + codes // 16
        y = np.array([f"letter {chr(97 + code)}" for code in codes])
        page, card = written(explore(PAIR[:1], X=rows, y=y), tmp_path, rows, y)
        assert len(card["reproduction"]["classes"]) == 26
        assert not any(row["error"] for row in card["leaderboard"])
    else:
        page, _ = request.getfixturevalue(source)
    assert len(page.encode()) < 1_000_000
    found = Elements(page).found
    ids = [keys["id"] for _, keys in found if "id" in keys]
    assert len(ids) == len(set(ids))
    links = [
        v for _, keys in found for k, v in keys.items() if k in ("href", "src", "xlink:href")
    ]
    assert all(link.startswith(("#", "data:")) for link in links)
    assert {link[1:] for link in links if link.startswith("#")} <= set(ids)
    assert not re.search(r"url\((?!#)|@import", page)
    assert not {"script", "iframe", "object"} & {tag for tag, _ in found}
    pictures = [keys for tag, keys in found if tag == "svg"]
    assert len(pictures) >= 5
    assert all(keys["role"] == "img" and keys["aria-label"] for keys in pictures)
    heads = [keys for tag, keys in found if tag == "th"]
    assert all(keys["scope"] in ("row", "col") for keys in heads)


def test_an_error_leaves_nothing_half_written(auto, tmp_path, monkeypatch):
    def fail(*_):
        raise RuntimeError("no page")

    monkeypatch.setattr("skdistill.report.page._write._page", fail)
    with pytest.raises(RuntimeError, match="no page"):
        write_report(auto, tmp_path / "report.html")
    assert not list(tmp_path.iterdir())


def test_a_page_that_is_there_is_replaced_whole_or_left_alone(auto, tmp_path, monkeypatch):
    (tmp_path / "report.html").write_text("old")
    monkeypatch.setattr("skdistill.report.page._write.os.replace", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        write_report(auto, tmp_path / "report.html")
    assert [(p.name, p.read_text()) for p in tmp_path.iterdir()] == [("report.html", "old")]


# Rows, or none --------------------------------------------------------------------------


def test_without_rows_the_sections_that_need_them_say_how_to_get_them(bare):
    page, card = bare
    for section in ("trust", "stability", "ablation"):
        assert "write_report(auto, path, X, y)" in card[section]["missing"]
        assert card[section]["missing"] in unescape(page)
    assert card["trust"]["worst_rows"][0]["values"] == {}
    assert len(card["trust"]["models"]) == 3
    assert card["decision"]["n_columns_used"] <= 5


class Untouched(GaussianNB):
    """A teacher that may be fitted no more."""

    allowed = True

    def fit(self, X, y, sample_weight=None):
        assert self.allowed
        return super().fit(X, y, sample_weight)


def test_other_rows_are_refused_before_any_work(tmp_path, monkeypatch):
    auto = explore([("tree", TREE)], teacher=Untouched())
    monkeypatch.setattr(Untouched, "allowed", False)
    with pytest.raises(ValueError, match=r"X has 239 rows and fit had 240"):
        write_report(auto, tmp_path / "r.html", X[1:], Y[1:])
    with pytest.raises(ValueError, match=r"X and y are not those of fit"):
        write_report(auto, tmp_path / "r.html", X[::-1], Y)
    with pytest.raises(ValueError, match=r"X and y belong together"):
        write_report(auto, tmp_path / "r.html", X)
    with pytest.raises(FileNotFoundError, match=r"no folder .*nowhere to write r.html in"):
        write_report(auto, tmp_path / "nowhere" / "r.html", X, Y)
    with pytest.raises(IsADirectoryError, match=r"is a folder; name a file in it"):
        write_report(auto, str(tmp_path), X, Y)
    with pytest.raises(ValueError, match=r"path=.*card.json' is where .* as report.html"):
        write_report(auto, tmp_path / "model_card.json", X, Y)
    with pytest.raises(ValueError, match=r"fitted AutoDistiller or .* got GaussianNB"):
        write_report(GaussianNB(), tmp_path / "r.html")
    monkeypatch.setattr("skdistill.report.page._write.os.access", lambda *_: False)
    with pytest.raises(PermissionError, match=r"the folder .* cannot be written to"):
        write_report(auto, tmp_path / "r.html", X, Y)
    assert not list(tmp_path.iterdir())


WORDS = pd.DataFrame({"n": [0.5, 1.0, np.nan], "w": ["a", None, "b"]})
WORDS["c"] = WORDS["w"].astype("category")
MATRIX = np.array([[1.0, 0.0], [0.0, 2.0], [3.0, 4.0]])


@pytest.mark.parametrize(
    ("rows", "again"),
    [
        (WORDS, pd.concat([WORDS, WORDS]).iloc[3:].astype({"w": object})),
        (pl.from_pandas(WORDS), pl.concat([pl.from_pandas(WORDS)] * 2)[3:]),
        (MATRIX, np.asfortranarray(MATRIX)),
        (csr_matrix(MATRIX), csr_matrix(MATRIX[::-1])[::-1]),
        (["one", "two", "three"], np.array(["one", "two", "three"], dtype=object)),
    ],
)
def test_rows_are_known_by_what_they_hold_and_not_by_where_it_lies(rows, again):
    known, y = data_hash(rows, np.array(["no", "yes", "no"])), ["no", "yes", "no"]
    assert data_hash(again, np.array(y, dtype=object)) == known
    assert data_hash(again, np.array(["no", "no", "yes"])) != known
    assert data_hash(again[::-1], np.array(y)) != known


def test_rows_of_other_column_names_are_other_rows():
    y = np.array(["no", "yes", "no"])
    assert data_hash(WORDS, y) != data_hash(WORDS.set_axis(["m", "w", "c"], axis=1), y)


def test_rows_are_known_in_another_process():
    code = "import numpy as np; from skdistill.auto._provenance import data_hash;"
    code += "print([data_hash(X, np.arange(2)) for X in (np.eye(2), ['one', 'two'])])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True,
        env=os.environ | {"PYTHONHASHSEED": "7"},
    )  # fmt: skip
    here = [data_hash(rows, np.arange(2)) for rows in (np.eye(2), ["one", "two"])]
    assert done.stdout.strip() == str(here)


@pytest.mark.parametrize("missing", ["jinja2", "matplotlib"])
def test_a_missing_extra_is_named(auto, tmp_path, monkeypatch, missing):
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(ImportError, match=rf"{missing}.*pip install 'skdistill\[report\]'"):
        write_report(auto, tmp_path / "report.html")


def test_weights_and_groups_are_those_of_fit(tmp_path):
    weight, groups = np.random.default_rng(0).random(240), np.arange(240) // 6
    given = {"sample_weight": weight, "groups": groups}
    auto = explore([("tree", TREE)], cv=GroupKFold(3), fit=given)
    for other, words in (
        ({}, "fit had sample_weight"),
        ({"sample_weight": weight}, "fit had groups"),
        (given | {"sample_weight": weight[::-1]}, "sample_weight is not that of fit"),
        (given | {"teacher_proba": np.full((240, 2), 0.5)}, "fit had no teacher_proba"),
    ):
        with pytest.raises(ValueError, match=words):
            write_report(auto, tmp_path / "r.html", X, Y, **other)
    page, card = written(auto, tmp_path, X, Y, **given)
    assert card["stability"]["missing"] == card["ablation"]["missing"] == ""
    assert "held-out rows, weighted" in page
    assert card["decision"]["n_held_out"] == 240
    fresh = ~np.isin(auto.held_out_.test, auto.held_out_.train)
    proba = auto.held_out_.proba[chosen_of(auto)][fresh]
    y = auto.held_out_.y[fresh]
    loss = -np.log(proba[np.arange(fresh.sum()), (y == "yes").astype(int)])
    expected = -np.average(loss, weights=auto.held_out_.sample_weight[fresh])
    assert_allclose(card["stability"]["whole"], expected)  # rows that it did not see


def test_labels_of_a_frozen_teacher_and_given_ones_have_fewer_steps(tmp_path):
    students, fitted = [("tree", TREE)], GaussianNB().fit(X[::2], Y[::2])
    auto = explore(students, teacher=FrozenEstimator(fitted))
    page, card = written(auto, tmp_path, X, Y)
    assert variant(card, "the frozen teacher's labels")
    assert not any("fold" in one["variant"] for one in card["ablation"]["variants"])
    assert "put the fitted teacher in it" in card["reproduction"]["code"]
    assert "Caution:</strong> the teacher is frozen" in page

    proba = fitted.predict_proba(X)
    model = DistilledClassifier(FrozenEstimator(fitted), TREE, cv="auto").fit(X, Y)
    card = card_of(distillation_report(model, X, Y, X_train=X, y_train=Y))
    assert variant(card, "the frozen teacher's labels")["chosen"]

    auto = explore(students, fit={"teacher_proba": proba})
    card = card_of(auto, X, Y)
    assert "teacher_proba=P" in card["ablation"]["missing"]
    card = card_of(auto, X, Y, teacher_proba=proba)
    assert variant(card, "the given soft labels")
    with pytest.raises(ValueError, match="teacher_proba is not that of fit"):
        write_report(auto, tmp_path / "r.html", X, Y, teacher_proba=proba[::-1])
    assert card["decision"]["times_smaller"] is None
    assert "fit(X, y, teacher_proba=teacher_proba)" in card["reproduction"]["code"]


def test_an_error_in_a_refit_is_said_and_costs_no_other_section(auto, monkeypatch):
    monkeypatch.setattr("skdistill.report.page._refits.resample", lambda *_, **__: 1 / 0)
    card = card_of(auto, X, Y)
    assert card["stability"] == {
        "missing": "A refit failed. ZeroDivisionError: division by zero"
    }
    assert card["ablation"]["missing"] == ""


def test_a_student_that_failed_is_said_to_have_beside_one_of_three_classes(tmp_path):
    broken = ("broken", make_pipeline(OneHotEncoder(categories=[["a"]]), LogisticRegression()))
    y = np.where(X[:, 0] > 1, "far", Y)
    auto = explore([broken, PAIR[1]], y=y)
    page, card = written(auto, tmp_path)
    assert "<strong>broken</strong> was not finished: ValueError" in page
    assert "<strong>broken, plain</strong>" in page
    coef, first = auto.best_student_[-1].coef_, card["model"]["coefficients"][0]
    column = int(first["feature"][1:])
    assert column == np.abs(coef).max(axis=0).argmax()
    assert first["highest"] == ["far", "no", "yes"][coef[:, column].argmax()]
    assert first["lowest"] == ["far", "no", "yes"][coef[:, column].argmin()]
    assert first["least"] == coef[:, column].min()


# A comparison -------------------------------------------------------------------------------


def test_a_comparison_is_a_page_of_its_own_figures(report, compared_pages):
    page, card = compared_pages
    gain = report["test"]["distilled - plain"]["log_loss"]
    found = card["decision"]["gain_over_plain"]
    assert_allclose(
        [found["value"], found["low"], found["high"]], [-gain[0], -gain[2], -gain[1]]
    )
    gap = report["test"]["distilled - teacher"]["log_loss"]
    board = {row["name"]: row for row in card["leaderboard"]}
    student = board["DecisionTreeClassifier"]
    ends = [student[f"gap_to_teacher{end}"] for end in ("", "_low", "_high")]
    assert_allclose(ends, gap)
    for role, row in zip(("distilled", "plain"), ("", ", plain"), strict=True):
        own = board[f"DecisionTreeClassifier{row}"]
        assert_allclose(own["log_loss"], report["test"][role]["log_loss"])
        assert own["bytes"] == report["footprint"][role]["bytes"]
    assert card["stability"]["missing"] == card["ablation"]["missing"] == ""
    assert variant(card, "out-of-fold labels")["chosen"]
    assert_allclose(card["stability"]["whole"], -report["test"]["distilled"]["log_loss"])
    assert "the search" not in page.lower()


def test_a_comparison_of_pipelines_shows_the_rows_that_came_in(tmp_path):
    frame = pd.DataFrame(X, columns=list("abcde")).assign(town=np.resize(["x", "y", "z"], 240))
    frame["note"] = "long" * 1000
    head = make_column_transformer(
        (OneHotEncoder(sparse_output=False), ["town"]), ("passthrough", list("abcde"))
    )
    model = make_pipeline(head, DistilledClassifier(GaussianNB(), TREE, random_state=0))
    model.fit(frame[:160], Y[:160])
    report = distillation_report(
        model, frame[160:], Y[160:], X_train=frame[:160], y_train=Y[:160]
    )
    page, card = written(report, tmp_path)
    assert "longlong" in page
    assert "long" * 20 not in page
    assert card["trust"]["worst_rows"][0]["values"]["note"] == "long" * 1000
    assert set(card["trust"]["worst_rows"][0]["values"]) == set(frame)
    assert {one["column"] for one in card["model"]["permutation"]["columns"]} <= set(frame)
    assert re.search(r"\|--- ([a-e]|town_[xyz]) <=", card["model"]["rules"])
    assert card["model"]["steps"] == ["ColumnTransformer"]
    assert card["stability"]["missing"] == ""


def test_a_weighted_comparison_is_a_weighted_page(report, tmp_path):
    kept, weight = report.kept, np.random.default_rng(0).random(80)
    weighted = distillation_report(
        kept.model, kept.X, Y[160:], plain=TREE, X_train=X[:160], y_train=Y[:160],
        sample_weight=weight,
    )  # fmt: skip
    page, card = written(weighted, tmp_path)
    assert "held-out rows, weighted" in page
    for row in card["leaderboard"]:
        assert_allclose(row["log_loss"], weighted["test"][row["kind"]]["log_loss"])
    assert_allclose(card["stability"]["whole"], -weighted["test"]["distilled"]["log_loss"])
    case = case_of_report(weighted)
    held_out = Bunch(**case.held_out | {"sample_weight": None})
    for one, counted in ((case, True), (case._replace(held_out=held_out), False)):
        assert [
            drawn["svg"] in page for drawn in figures(one, NO_MODEL)["reliability"]
        ] == 3 * [counted]


def test_a_row_of_all_the_weight_is_all_that_refits_agree_on(report, tmp_path):
    case = case_of_report(report)
    held_out = Bunch(**case.held_out | {"sample_weight": np.eye(80)[0] + 1e-9})
    found = stability(Refits(case._replace(held_out=held_out), str(tmp_path)))
    shares = [one["agreement_with_whole"] for one in found["refits"]]
    shares += [found["agreement"]["lowest"], found["agreement"]["highest"]]
    assert_allclose(shares, np.round(shares), atol=1e-6)


def test_what_a_comparison_does_not_know_it_says(report, tmp_path):
    kept = report.kept
    alone = distillation_report(kept.model.student_, kept.X, Y[160:], teacher=kept.teacher)
    card = card_of(alone)
    assert (
        "a DecisionTreeClassifier: give it the DistilledClassifier"
        in card["ablation"]["missing"]
    )
    assert card["decision"]["reason"].startswith("It stands alone")
    assert card["reproduction"]["code"] == ""
    untrained = distillation_report(kept.model, kept.X, Y[160:])
    card = card_of(untrained)
    assert "X_train=X_train, y_train=y_train" in card["stability"]["missing"]
    with pytest.raises(ValueError, match=r"brings its rows along; leave \['X', 'y'\] out"):
        write_report(report, tmp_path / "r.html", X, Y)
    loaded = pickle.loads(pickle.dumps(report))
    assert str(loaded) == str(report)
    with pytest.raises(ValueError, match="call distillation_report again"):
        write_report(loaded, tmp_path / "r.html")


# The model, segments ------------------------------------------------------------------------


def test_coefficients_are_named_and_know_their_unit(tmp_path):
    frame = pd.DataFrame(X, columns=list("abcde"))
    auto = explore(PAIR[1:], X=frame)
    page, card = written(auto, tmp_path, frame, Y)
    found, linear = card["model"], auto.best_student_[-1]
    own = {one["feature"]: one["value"] for one in found["coefficients"]}
    assert own == dict(zip("abcde", linear.coef_[0], strict=True))
    assert list(own) == sorted(own, key=lambda name: -abs(own[name]))
    assert found["standardised"]
    assert "log-odds per standard deviation of the feature; above 0 it speaks for yes" in page


@pytest.mark.parametrize("container", [np.asarray, pd.DataFrame, pl.DataFrame, csr_matrix])
def test_other_students_are_judged_by_what_their_columns_are_worth(container):
    boosting = HistGradientBoostingClassifier(max_iter=5, early_stopping=False)
    student = LogisticRegression() if container is csr_matrix else boosting
    teacher = LogisticRegression()
    rows = np.column_stack([X, np.zeros(240)])
    rows = container(rows)
    auto = explore([("student", student)], X=rows, teacher=teacher)
    card = card_of(auto, rows, Y)
    found = card["model"]["permutation"]
    assert card["stability"]["missing"] == ""
    assert 0 < len(found["columns"]) <= 5  # a constant has no say
    values = [one["value"] for one in found["columns"]]
    assert values == sorted(values, reverse=True)


@pytest.mark.parametrize("container", [pl.DataFrame, csr_matrix])
def test_columns_are_shuffled_alike_in_whatever_holds_them(report, container):
    case = case_of_report(report)
    student = LogisticRegression().fit(X[:160], Y[:160])
    known = _anatomy._permutation(case, student)["columns"]
    rows = container(X)
    student = LogisticRegression().fit(rows[:160], Y[:160])
    case = case._replace(rows=case.rows._replace(X_test=rows[160:]))
    found = _anatomy._permutation(case, student)["columns"]
    assert len(found) == 5
    for name in ("value", "sd"):
        assert_allclose([one[name] for one in found], [one[name] for one in known])


def test_columns_are_shuffled_among_rows_from_all_over(report, monkeypatch):
    seen = []
    monkeypatch.setattr(_anatomy, "_ROWS", 30)
    real = _anatomy.permutation_importance
    monkeypatch.setattr(
        _anatomy,
        "permutation_importance",
        lambda model, rows, *y, **how: seen.append(rows) or real(model, rows, *y, **how),
    )
    card = card_of(report)
    assert card["model"]["permutation"]["n_rows"] == 30 == len(np.unique(seen[0], axis=0))
    assert not np.isin(seen[0], report.kept.X[:30]).all()


def test_a_segment_that_the_student_cannot_see_is_found():
    rng = np.random.default_rng(0)
    rows = pd.DataFrame({"a": rng.normal(size=1200), "b": rng.normal(size=1200)})
    rows["part"] = np.where(rng.random(1200) < 0.3, "other", "usual")
    y = np.where((rows["part"] == "usual") ^ (rows["a"] > 0), "p", "q")
    head = make_column_transformer((OneHotEncoder(), ["part"]), remainder="passthrough")
    teacher = make_pipeline(head, DecisionTreeClassifier(max_depth=4)).fit(rows, y)
    student = make_pipeline(
        make_column_transformer(("passthrough", ["a", "b"])),
        DecisionTreeClassifier(max_depth=1),
    ).fit(rows, y)
    weight = rng.integers(0, 3, 1200)
    report = distillation_report(student, rows, y, teacher=teacher, sample_weight=weight)
    card = card_of(report)
    first = card["trust"]["segments"]["found"][0]
    other = rows["part"] == "other"
    apart = np.abs(teacher.predict_proba(rows) - student.predict_proba(rows))[:, 0]
    assert first["apart"]["value"] == pytest.approx(
        np.average(apart[other], weights=weight[other])
    )
    assert first["n_samples"] == (other & (weight > 0)).sum()
    assert (first["column"], first["part"]) == ("part", "= other")
    assert first["apart"]["low"] > card["trust"]["disagreement"]
    assert first["log_loss"]["student"] > first["log_loss"]["teacher"]


def test_columns_are_cut_into_values_quantiles_and_the_missing():
    numbers = np.array([np.nan, *range(100)])
    found = dict(parts(numbers))
    assert list(found) == [
        "is missing",
        "0 to 19",
        "20 to 39",
        "40 to 59",
        "60 to 79",
        "80 to 99",
    ]
    assert_array_equal(np.sort(np.concatenate(list(found.values()))), np.arange(101))
    few = dict(parts(np.array([1, 2, 2, 1, 2])))
    assert {text: rows.tolist() for text, rows in few.items()} == {
        "= 2": [1, 2, 4],
        "= 1": [0, 3],
    }
    words = dict(parts(np.array(["b", None, "a", "b"], dtype=object)))
    assert {text: rows.tolist() for text, rows in words.items()} == {
        "is missing": [1], "= b": [0, 3], "= a": [2],
    }  # fmt: skip
    nullable = pd.array([1, None, 3, 1], dtype="Int64")
    assert list(dict(parts(np.asarray(nullable)))) == ["is missing", "= 1", "= 3"]
    assert list(dict(parts(np.array([True, False, True])))) == ["= True", "= False"]
    values = [0.0, 2.0, 117_827.0, 25_123.71, 0.123456, -1.5, 1e12, 1e-9, "text", 7]
    assert [shown(value) for value in values] == [
        "0", "2", "117827", "25120", "0.1235", "-1.5", "1e+12", "1e-09", "text", "7",
    ]  # fmt: skip


def test_text_without_columns_is_shown_by_its_words():
    texts = [f"{'good' if code else 'bad'} word{i % 7}" for i, code in enumerate(CODES)]
    student = make_pipeline(CountVectorizer(), LogisticRegression())
    auto = explore([("words", student)], X=texts, teacher=clone(student))
    card = card_of(auto, texts, Y)
    assert card["model"]["coefficients"][0]["feature"] in ("good", "bad")
    assert card["trust"]["missing"] == "X has no columns to look at, or more than 500."
    assert card["model"]["permutation"]["missing"].startswith("X has no columns to shuffle")
    assert card["stability"]["missing"] == card["ablation"]["missing"] == ""


def test_columns_of_one_name_which_no_page_could_tell_apart_are_refused_by_fit():
    frame = pd.DataFrame(X, columns=list("abcda"))
    with pytest.raises(ValueError, match=r"X has several columns called \['a'\]; rename"):
        explore(X=frame)


# Words -------------------------------------------------------------------------------------


def test_numbers_have_units_signs_and_few_digits():
    said = [number(0.123456), signed(-0.5, 2), percent(0.9151), size(812), size(63_310.0)]
    said += [size(1.95e6), microseconds(7553.2), compared(29.4, "faster", "slower")]
    said += [compared(0.5, "faster", "slower"), number(None), compared(None, "a", "b")]
    signs = {"\N{NO-BREAK SPACE}": " ", "\N{MINUS SIGN}": "-"}
    signs |= {"\N{MULTIPLICATION SIGN}": "x", "\N{EN DASH}": "none"}
    assert [text.translate(str.maketrans(signs)) for text in said] == [
        "0.1235", "-0.50", "91.5 %", "812 bytes", "63.3 kB", "1.95 MB", "7,550 µs",
        "29 x faster", "2 x slower", "none", "",
    ]  # fmt: skip


def test_code_of_parameters_is_code():
    model = make_pipeline(
        make_column_transformer(
            (OneHotEncoder(max_categories=5), [1, 3]), remainder=StandardScaler()
        ),
        LogisticRegression(C=np.float64(0.5), class_weight={"no": 2.0}),
    )
    names = {
        type(one).__name__: type(one) for one in (model, *model, model[0].transformers[0][1])
    }
    again = eval(source(model), names | {"StandardScaler": StandardScaler})
    assert repr(again) == repr(model.set_params(logisticregression__C=0.5))


@pytest.mark.parametrize(
    ("package", "name"), [("lightgbm", "LGBMClassifier"), ("xgboost", "XGBClassifier")]
)
def test_code_of_a_class_that_takes_any_parameter_is_code(package, name):
    kind = getattr(pytest.importorskip(package), name)
    model = kind(n_estimators=5, max_depth=2, verbosity=0)
    assert "verbosity=0" in source(model)
    assert repr(eval(source(model), {name: kind})) == repr(model)


def test_the_page_says_of_a_gain_what_log_loss_alone_knows(tmp_path):
    X, y = load_breast_cancer(return_X_y=True)
    X, X_test, y, y_test = train_test_split(X, y, stratify=y, random_state=1)
    forest = RandomForestClassifier(30, random_state=0)
    tree = DecisionTreeClassifier(random_state=0)
    kd = DistilledClassifier(forest, tree, temperature=1, cv="oob", random_state=0).fit(X, y)
    report = distillation_report(kd, X_test, y_test, X_train=X, y_train=y)
    n_wrong = np.sum(tree.fit(X, y).predict(X_test) != y_test)
    write_report(report, tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text()
    assert f"gives no chance to what happened in {n_wrong} of {len(y_test)} held-out" in page
