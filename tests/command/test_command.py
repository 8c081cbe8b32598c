"""`python -m skdistill auto`: from a table on disk to a student on disk."""

import json
import os
import pickle
import re
import signal
import subprocess
import sys
import time
from types import SimpleNamespace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.cluster import Birch
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.tree import DecisionTreeClassifier

from skdistill import command
from skdistill.auto import AutoDistiller
from skdistill.command import _files

pd = pytest.importorskip("pandas")
io = pytest.importorskip("skops.io")
for package in ("pyarrow", "jinja2", "matplotlib"):
    pytest.importorskip(package)

# joblib times its writes, and a busy disk is no fault
pytestmark = pytest.mark.filterwarnings("ignore:Persisting input arguments")

WRITTEN = ["leaderboard.csv", "model_card.json", "report.html", "student.skops"]
PROBA = ("--teacher-proba", "high", "low")
QUICK = ("--target", "income", "--students", "tree", "--trials", "2")
FEATURES = ["age", "job", "owner"]
ROLES = ("--drop", "branch", "day", "w")


def make_table(n=160):
    rng = np.random.default_rng(0)
    age = rng.integers(18, 80, n) + 0.5
    job = rng.choice(["clerk", "cook", "smith"], n)
    owner = rng.random(n) < 0.5
    high = 1 / (1 + np.exp(-(0.08 * (age - 50) + (job == "cook") + owner)))
    days = np.datetime64("2023-01-01") + rng.integers(0, 40, n)
    return pd.DataFrame(
        {
            "age": np.where(rng.random(n) < 0.1, np.nan, age),
            "job": pd.Series(job).mask(rng.random(n) < 0.1),
            "owner": owner,
            "branch": rng.integers(0, 12, n),
            "day": days.astype(str),
            "w": rng.integers(1, 4, n),
            "high": high,
            "low": 1 - high,
            "income": np.where(rng.random(n) < high, "high", "low"),
        }
    )


TABLE = make_table()


@pytest.fixture
def csv(tmp_path):
    TABLE.to_csv(tmp_path / "data.csv", index=False)
    return tmp_path / "data.csv"


@pytest.fixture
def found(monkeypatch, csv):
    """Runs the command and returns what it explored; writes nothing."""
    seen = []
    monkeypatch.setattr(
        command, "write", lambda auto, *_, **rows: seen.append((auto, rows["given"]))
    )

    def explore(*arguments, data=csv):
        command.main([str(data), *QUICK, "--out", str(csv.parent / "out"), *arguments])
        return seen.pop()

    return explore


@pytest.fixture
def asked(monkeypatch, csv):
    """Runs the command as far as the exploration, and returns what that would be given."""
    seen = []

    def fit(auto, X, y, **fit_params):
        seen.append((auto, {"X": X, "y": y, **fit_params}))
        raise KeyboardInterrupt

    monkeypatch.setattr(AutoDistiller, "fit", fit)

    def run(*arguments, data=csv):
        command.main([str(data), *QUICK, "--out", str(csv.parent / "out"), *arguments])
        return seen.pop()

    return run


def in_process(folder, *arguments, **options):
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=folder,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        **options,
    )


# From a table to a student ----------------------------------------------------------------


@pytest.fixture(scope="module")
def shipped(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shipped")
    TABLE[[*FEATURES, "income"]].to_csv(folder / "data.csv", index=False)
    done = in_process(
        folder, "-m", "skdistill", "auto", "data.csv", *QUICK, "--out", "out", "--pickle"
    )
    assert done.returncode == 0, done.stderr
    return folder, done


def test_a_run_leaves_the_student_the_leaderboard_and_the_report(shipped):
    folder, done = shipped
    assert sorted(os.listdir(folder / "out")) == sorted([*WRITTEN, "student.pickle"])
    for name in WRITTEN:
        assert f"wrote out/{name}" in done.stdout
    assert "<!doctype html>" in (folder / "out" / "report.html").read_text()
    json.loads((folder / "out" / "model_card.json").read_text())


def test_the_student_predicts_as_the_chosen_one_where_skdistill_cannot_be_imported(shipped):
    folder, done = shipped
    code = f"""
import sys
sys.modules["skdistill"] = None
import numpy as np, pandas as pd
{done.stdout[done.stdout.index("import skops.io") :]}
X = pd.read_csv("data.csv")[{FEATURES}]
np.save("proba.npy", student.predict_proba(X))
"""
    assert in_process(folder, "-c", code).stderr == ""
    student = pickle.loads((folder / "out" / "student.pickle").read_bytes())
    X = TABLE[FEATURES].astype({"job": "category"})
    assert_allclose(np.load(folder / "proba.npy"), student.predict_proba(X), rtol=1e-12)


def test_the_leaderboard_is_a_table_with_one_chosen_student(shipped):
    folder, done = shipped
    board = pd.read_csv(folder / "out" / "leaderboard.csv")
    assert sorted(board["name"]) == ["teacher", "tree", "tree, plain"]
    chosen = board[board["chosen"]]
    assert re.search(rf"^\* {chosen['name'].item()}  ", done.stdout, re.MULTILINE)
    assert {"alpha", "temperature"} <= set(json.loads(chosen["params"].item()))


def test_progress_is_shown_on_stderr_and_stdout_is_for_results(shipped):
    _, done = shipped
    assert "tree, plain" in done.stderr
    assert done.stdout.startswith("* chosen")


def test_parquet_and_csv_give_the_same(asked, csv):
    TABLE.to_parquet(csv.with_suffix(".parquet"))
    (_, one), (_, other) = (
        asked(*PROBA, *ROLES, data=data) for data in (csv, csv.with_suffix(".parquet"))
    )
    pd.testing.assert_frame_equal(one["X"], other["X"])
    assert_array_equal(one["y"], other["y"])
    pd.testing.assert_frame_equal(one["teacher_proba"], other["teacher_proba"])


def test_text_becomes_categories_and_numbers_stay_numbers(asked, csv):
    member = TABLE["owner"].astype(object).mask(TABLE["w"] == 1)
    table = TABLE.assign(w=TABLE["w"].astype("Int64").mask(TABLE["w"] == 2), member=member)
    table.to_parquet(data := csv.with_suffix(".parquet"))
    _, given = asked(*PROBA, "--drop", "branch", "day", data=data)
    assert given["X"]["w"].dtype == float
    assert given["X"]["w"].isna().sum() == (TABLE["w"] == 2).sum()
    assert given["X"]["owner"].dtype == bool
    assert given["X"]["job"].dtype == "category"
    assert given["X"]["member"].dtype == "category"


def test_a_registered_class_gets_the_preparation_that_the_columns_need(found):
    auto, _ = found(*PROBA, *ROLES, "--students", "LogisticRegression", "--trials", "1")
    assert (auto.leaderboard_["error"] == "").all()


# What the columns are for -----------------------------------------------------------------


def test_a_group_is_held_out_whole(found):
    auto, given = found(*PROBA, "--group", "branch", "--drop", "day", "w")
    branch, test = TABLE["branch"].to_numpy(), auto.held_out_.test
    assert not set(branch[test]) & set(branch[auto.held_out_.train])
    assert list(given["X"]) == FEATURES


@pytest.mark.parametrize("as_numbers", [False, True])
def test_the_last_quarter_by_time_is_held_out_and_no_moment_is_split(asked, csv, as_numbers):
    day = pd.to_datetime(TABLE["day"])
    if as_numbers:
        TABLE.assign(day=day.dt.day_of_year).to_csv(csv, index=False)
    auto, given = asked(*PROBA, "--time-column", "day", "--drop", "branch", "w")
    ((train, test),) = auto.cv
    assert day[train].max() < day[test].min()
    assert len(train) + len(test) == len(day)
    assert 0.2 < len(test) / len(day) < 0.3
    assert list(given["X"]) == FEATURES


def test_the_page_says_how_rows_were_held_out(found):
    auto, _ = found(*PROBA, "--time-column", "day", "--group", "branch", "--drop", "w")
    assert auto.provenance_["held_out"] == "the last quarter by day"
    assert "groups have rows both held out and not" in auto.provenance_["warnings"][-1]


def test_weights_weight_the_fit_and_the_estimate(found):
    auto, given = found(*PROBA, "--weight", "w", "--drop", "branch", "day")
    weight = TABLE["w"].to_numpy(float)
    assert_array_equal(auto.held_out_.sample_weight, weight[auto.held_out_.test])
    plain = auto.fit_candidate("tree, plain", **given)
    tree = plain.student_.steps[-1][1].tree_
    shares = tree.weighted_n_node_samples / tree.weighted_n_node_samples[0]
    left = plain.student_[:-1].transform(given["X"])[:, tree.feature[0]] <= tree.threshold[0]
    assert_allclose(shares[1], weight[left].sum() / weight.sum())


@pytest.mark.parametrize("order", [("high", "low"), ("low", "high")])
def test_probabilities_are_matched_to_the_classes_by_name(asked, order):
    _, given = asked("--teacher-proba", *order, *ROLES)
    assert list(given["teacher_proba"]) == ["high", "low"]
    assert_allclose(given["teacher_proba"]["high"], TABLE["high"])
    assert list(given["X"]) == FEATURES


def test_probabilities_of_other_names_are_taken_in_the_order_of_the_classes_and_it_is_said(
    asked, csv, caplog
):
    TABLE.rename(columns={"high": "p1", "low": "p0"}).to_csv(csv, index=False)
    _, given = asked("--teacher-proba", "p1", "p0", *ROLES)
    assert "p1 for 'high', p0 for 'low'" in caplog.text
    assert_allclose(given["teacher_proba"]["high"], TABLE["high"])


def test_constants_and_identifiers_are_kept_with_a_warning(asked, csv, caplog):
    n = len(TABLE)
    table = TABLE.assign(number=range(n), name=[f"n{i}" for i in range(n)], one=1)
    table.to_csv(csv, index=False)
    _, given = asked(*PROBA, *ROLES)
    for column in ("number", "name", "one"):
        assert f"--drop {column}" in caplog.text
        assert column in given["X"]
    assert "age" not in caplog.text


# A teacher of one's own -------------------------------------------------------------------


@pytest.fixture
def teacher(tmp_path):
    """One on disk, which was fitted on columns in another order."""

    head = make_column_transformer((OneHotEncoder(), ["job"]), remainder="passthrough")
    model = make_pipeline(head, DecisionTreeClassifier(max_depth=3))
    model.fit(TABLE[["owner", "job"]], TABLE["income"].to_numpy(str))
    io.dump(model, tmp_path / "teacher.skops")
    return str(tmp_path / "teacher.skops")


NOT_TAUGHT = ("age", "branch", "day", "w", "high", "low")
TREE = "sklearn.tree._tree.Tree"
TRUST = ("--trust", TREE)


def test_a_teacher_from_a_file_teaches_as_it_is(found, teacher, caplog):
    auto, given = found("--teacher", teacher, *TRUST, "--drop", *NOT_TAUGHT)
    assert list(given["X"]) == ["owner", "job"]
    expected = io.load(teacher, trusted=[TREE]).predict_proba(given["X"])
    assert_allclose(auto.held_out_.proba["teacher"], expected[auto.held_out_.test])
    assert "if it has seen rows of this table" in caplog.text


# What is refused --------------------------------------------------------------------------


@pytest.fixture
def refused(tmp_path, csv, monkeypatch, capsys):
    """Runs the command, which must end at once, and returns what it says."""

    def begun(*arguments, **rows):
        pytest.fail("the exploration began")

    monkeypatch.setattr(AutoDistiller, "fit", begun)

    def run(*arguments, data=csv):
        before = sorted(os.listdir(tmp_path))
        required = ["--target", "income", "--out", str(tmp_path / "out")]
        code = command.main([str(data), *required, *arguments])
        assert code == 2
        assert sorted(os.listdir(tmp_path)) == before
        out, err = capsys.readouterr()
        assert out == ""
        return err

    return run


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--group", "brunch"), "--group: 'brunch' is not a column.*did you mean 'branch'"),
        (("--drop", "w", "agee"), "--drop: 'agee' .*did you mean 'age'"),
        (("--drop", "w", "--weight", "w"), "'w' is given to --weight and --drop"),
        (("--students", "forest"), "--students: 'forest' .*there are 'tree'"),
        (("--scoring", "neg_logloss"), "did you mean 'neg_log_loss'"),
        (("--scoring", "f1", *ROLES), "--scoring f1 cannot score.*f1_macro"),
        (("--trust", "a.Type"), "--trust names types in the file of --teacher"),
        (("--jobs", "0"), "--jobs 0 .* -1 for all cores"),
        (
            ("--storage", "no/where.log", *ROLES),
            "--storage cannot keep .*no/where.log.*No such",
        ),
        (("--storage", __file__, *ROLES), "--storage cannot keep .*holds something else"),
        (("--teacher", "t.skops", *PROBA), "--teacher and --teacher-proba.*give one"),
        (("--teacher", "t.skops", *ROLES), "--teacher t.skops cannot be read"),
        (("--teacher-proba", "high"), r"names 1 columns.*\['high', 'low'\]"),
        (("--teacher-proba", "age", "high"), "--teacher-proba age high: .* NaN"),
        (("--weight", "job"), "--weight job is missing, negative or no number in 160 of 160"),
        (("--time-column", "job"), r"--time-column job is missing in \d+ of 160 rows"),
        (("--group", "owner"), "--group owner has 2 groups; 4 are needed"),
        (("--drop", "w"), "column 'day' holds dates, such as '2023.*--drop day"),
        (("--drop", *FEATURES, "branch", "day", "w", "high", "low"), "no feature is left"),
    ],
)
def test_an_option_that_will_not_do_is_refused_with_a_remedy(refused, arguments, said):
    assert re.search(said, refused(*arguments), re.DOTALL)


@pytest.mark.parametrize(
    ("changed", "arguments", "said"),
    [
        ({"income": "high"}, (), "--target income has one class, 'high'"),
        ({"income": TABLE["age"]}, (), r"--target income is missing in \d+ of 160 rows"),
        ({"income": TABLE["high"]}, (), "--target income has .* different values.*bin them"),
        ({"income": range(160)}, (), "--target income has 160 different values"),
        ({"w": -TABLE["w"]}, ("--weight", "w"), "negative .* in 160 of 160 rows, first -"),
        ({"w": 0}, ("--weight", "w"), "--weight w is 0 in every row"),
        ({"day": "31/12/2023"}, ("--time-column", "day"), "'31/12/2023'.*as 2024-01-31"),
        ({"day": "2023-12-31"}, ("--time-column", "day"), "the same in every row"),
        (
            {"day": np.where(TABLE["income"] == "low", 1, 2)},
            ("--time-column", "day"),
            "every row is 'low'",
        ),
        ({"job": "31.12.2023 10:00"}, ROLES, "column 'job' holds dates"),
        ({"income": pd.Timestamp("2023-12-31")}, (), "--target income has one class"),
        ({"age": np.inf}, ROLES, "column 'age' is infinite in 160 rows"),
    ],
)
def test_values_that_will_not_do_are_refused_with_a_remedy(
    refused, csv, changed, arguments, said
):
    TABLE.assign(**changed).to_csv(csv, index=False)
    assert re.search(said, refused(*arguments), re.DOTALL)


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("data.xlsx", "", "ends in '.xlsx'; give a .csv or a .parquet file"),
        ("none.csv", None, "none.csv cannot be read: .*No such file"),
        ("data.csv", "", "data.csv cannot be read"),
        ("data.csv", "age,income\n", "data.csv has no rows"),
        ("data.csv", "age,income\n1,high\n2,low\n", "1 rows of a class at most; 4 or more"),
        ("data.csv", "age;income\n1;high\n", "has one column, 'age;income'.*commas"),
        ("data.parquet", "age", "data.parquet cannot be read"),
        ("data.csv", "age,,income,,age\n", "several columns called 'age'; rename all but one"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused(refused, tmp_path, name, text, said):
    if text is not None:
        (tmp_path / name).write_text(text)
    assert re.search(said, refused(data=tmp_path / name), re.DOTALL)


def test_a_parquet_file_with_columns_of_one_name_is_refused(refused, csv):
    arrow = pytest.importorskip("pyarrow")
    table = arrow.table([arrow.array([1, 2])] * 3, names=["age", "income", "age"])
    pytest.importorskip("pyarrow.parquet").write_table(table, csv.with_suffix(".parquet"))
    assert "several columns called 'age'" in refused(data=csv.with_suffix(".parquet"))


def test_what_is_required_is_said_to_be(capsys):
    with pytest.raises(SystemExit) as stop:
        command.main(["data.csv"])
    assert stop.value.code == 2
    said = capsys.readouterr().err
    assert "[--target" not in said
    assert "the following arguments are required: --target, --out" in said


def test_a_folder_that_cannot_be_written_to_is_refused(refused, tmp_path):
    (tmp_path / "out").write_text("a file")
    assert re.search("--out .*out cannot be written to", refused(*PROBA, *ROLES))


def test_columns_of_lists_and_of_durations_are_refused(refused, csv):
    data = csv.with_suffix(".parquet")
    for column, said in (
        ([[1, 2]] * len(TABLE), "column 'age' holds values of no one kind"),
        (pd.to_timedelta(range(len(TABLE))), "column 'age' holds dates"),
    ):
        TABLE.assign(age=column).to_parquet(data)
        assert said in refused(*ROLES, data=data)


def test_a_missing_package_is_named_with_the_extra_that_brings_it(refused, monkeypatch):
    monkeypatch.setitem(sys.modules, "skops", None)
    assert "skops cannot be imported: pip install 'skdistill[auto]'" in refused()


@pytest.mark.parametrize(
    "option", ["--trials", "--timeout", "--max-bytes", "--max-latency-us"]
)
def test_a_limit_that_is_not_above_zero_is_refused(option, capsys):
    with pytest.raises(SystemExit) as stop:
        command.main(["data.csv", "--out", "out", option, "0"])
    assert stop.value.code == 2
    assert f"argument {option}: 0 is not above 0" in capsys.readouterr().err


def test_a_teacher_is_refused_until_its_types_are_trusted(refused, teacher):
    if TREE not in io.get_untrusted_types(file=teacher):
        pytest.skip("skops before 0.15 trusts trees")
    said = refused("--teacher", teacher, "--drop", *NOT_TAUGHT)
    assert f"--trust {TREE}" in said


def test_a_teacher_of_other_columns_is_refused(refused, teacher):
    trusting = ("--teacher", teacher, *TRUST, "--drop")
    lacking = refused(*trusting, *NOT_TAUGHT, "owner")
    assert "columns that are not features here: ['owner']" in lacking
    assert "not fitted on ['age']; --drop age" in refused(*trusting, *NOT_TAUGHT[1:])


def test_a_teacher_that_is_not_fitted_is_refused(refused, tmp_path):
    io.dump(LogisticRegression(), path := tmp_path / "teacher.skops")
    said = refused("--teacher", str(path), "--drop", *NOT_TAUGHT)
    assert "is no fitted classifier" in said


def test_a_teacher_of_other_classes_is_refused(refused, teacher, csv):
    TABLE.assign(income=TABLE["income"].str.upper()).to_csv(csv, index=False)
    said = refused("--teacher", teacher, *TRUST, "--drop", *NOT_TAUGHT)
    assert "does not know the classes ['HIGH', 'LOW']" in said


def test_a_teacher_without_column_names_is_refused_for_another_number_of_them(
    refused, tmp_path
):
    model = LogisticRegression().fit(np.eye(3), ["high", "low", "low"])
    io.dump(model, path := tmp_path / "teacher.skops")
    said = refused("--teacher", str(path), "--drop", *NOT_TAUGHT)
    assert "fitted on 3 columns without names and the table has 2" in said


# What is left of an exploration that does not end well ------------------------------------


def test_files_of_an_earlier_run_are_replaced_only_on_request(tmp_path, csv, capsys):
    out = tmp_path / "out"
    out.mkdir()
    (out / "student.pickle").write_text("of an earlier run")
    arguments = [str(csv), *QUICK, *PROBA, *ROLES, "--out", str(out)]
    assert command.main(arguments) == 2
    said = capsys.readouterr().err
    assert re.search("holds student.pickle of an earlier run.*--overwrite", said)
    assert os.listdir(out) == ["student.pickle"]
    assert command.main([*arguments, "--overwrite"]) == 0
    assert sorted(os.listdir(out)) == WRITTEN


def test_limits_that_nothing_meets_leave_the_leaderboard(tmp_path, csv, capsys):
    out = tmp_path / "out"
    limited = [*QUICK, *PROBA, *ROLES, "--max-bytes", "9"]
    assert command.main([str(csv), *limited, "--out", str(out)]) == 1
    said = capsys.readouterr().err
    assert re.search("no student meets max_bytes=9; the nearest is 'tree", said)
    assert os.listdir(out) == ["leaderboard.csv"]


def test_a_student_that_skops_cannot_write_is_pickled_on_request_alone(tmp_path, capsys):
    auto = SimpleNamespace(best_student_=Birch())
    _files._write_student(auto, tmp_path, pickled=False)
    assert os.listdir(tmp_path) == []
    assert "--pickle" in capsys.readouterr().err
    _files._write_student(auto, tmp_path, pickled=True)
    assert os.listdir(tmp_path) == ["student.pickle"]


def test_a_run_with_storage_goes_on_where_it_was(found, tmp_path):
    path = tmp_path / "searches.log"
    boards, n_lines = [], []
    for _ in range(2):
        auto, _ = found(*PROBA, *ROLES, "--storage", str(path))
        boards.append(auto.leaderboard_["search_score"])
        n_lines.append(path.read_text().count('"trial_id"'))
    assert_array_equal(*boards)
    assert n_lines[0] == n_lines[1] > 0


def test_a_row_is_shipped_by_its_name(found):
    auto, _ = found(*PROBA, *ROLES, "--selection", "tree, plain")
    assert auto.best_params_["alpha"] == 0


def test_an_interrupt_leaves_what_is_finished(tmp_path):
    make_table(1000).to_csv(tmp_path / "data.csv", index=False)
    # the second student takes long, so that this does not depend on when it is stopped
    students = ("--students", "tree", "GradientBoostingClassifier", "--trials", "8")
    kept = ("--storage", "searches.log", "--out", "out")
    command = ("-m", "skdistill", "auto", "data.csv", "--target", "income")
    begun = subprocess.Popen(
        [sys.executable, *command, *PROBA, *ROLES, *students, *kept],
        cwd=tmp_path,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    searches = tmp_path / "searches.log"
    while not searches.exists() or "tree, plain" not in searches.read_text():
        assert begun.poll() is None, begun.stderr.read()
        time.sleep(0.1)
    begun.send_signal(signal.SIGINT)
    said = begun.communicate(timeout=120)[1]
    assert begun.returncode == 130, said
    assert "interrupted: writing what is finished" in said
    assert sorted(os.listdir(tmp_path / "out")) == WRITTEN
    board = pd.read_csv(tmp_path / "out" / "leaderboard.csv").set_index("name")
    assert pd.isna(board.loc["tree", "error"])
    assert board.loc["GradientBoostingClassifier", "error"].startswith("interrupted")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_what_schedulers_send_is_an_interrupt(asked, monkeypatch, capsys, tmp_path, number):
    def fit(auto, X, y, **fit_params):
        signal.raise_signal(number)
        pytest.fail("the signal was not noticed")

    monkeypatch.setattr(AutoDistiller, "fit", fit)
    before = signal.getsignal(number), sorted(os.listdir(tmp_path))
    code = command.main([str(tmp_path / "data.csv"), *QUICK, *PROBA, *ROLES, "--out",
                         str(tmp_path / "out")])  # fmt: skip
    assert code == 130
    assert "no student is finished, and nothing is written" in capsys.readouterr().err
    assert (signal.getsignal(number), sorted(os.listdir(tmp_path))) == before


@pytest.fixture(scope="module")
def explored(tmp_path_factory):
    """Runs the command again on what one exploration has found."""
    folder = tmp_path_factory.mktemp("explored")
    TABLE[[*FEATURES, "income"]].to_csv(folder / "data.csv", index=False)
    auto = AutoDistiller(students=["tree"], n_trials=1, random_state=0)
    X = TABLE[FEATURES].astype({"job": "category"})
    auto.fit(X, TABLE["income"].to_numpy(str))

    def run(monkeypatch, out, *arguments):
        fit = lambda self, X, y, **fit_params: self.__dict__.update(vars(auto))  # noqa: E731
        monkeypatch.setattr(AutoDistiller, "fit", fit)
        return command.main([str(folder / "data.csv"), *QUICK, "--out", str(out), *arguments])

    return run


def interrupted(monkeypatch, name, times=1):
    """Let a function of the writing be interrupted so many times; its arguments."""
    whole, calls = getattr(_files, name), []

    def function(*arguments):
        calls.append(arguments)
        if len(calls) <= times:
            raise KeyboardInterrupt
        return whole(*arguments)

    monkeypatch.setattr(_files, name, function)
    return calls


@pytest.mark.parametrize("name", ["_write_leaderboard", "_write_student", "_write_report"])
def test_an_interrupt_of_the_writing_still_leaves_every_file(
    explored, tmp_path, monkeypatch, capsys, name
):
    reports = interrupted(monkeypatch, "_write_report", times=0)
    interrupted(monkeypatch, name)
    assert explored(monkeypatch, tmp_path / "out") == 130
    assert sorted(os.listdir(tmp_path / "out")) == WRITTEN
    assert reports[-1][-1] == {}  # fits no student again
    assert "interrupted: writing what is finished; once more" in capsys.readouterr().err


def test_a_second_interrupt_ends_the_writing_with_whole_files_alone(
    explored, tmp_path, monkeypatch
):
    interrupted(monkeypatch, "_write_report", times=2)
    assert explored(monkeypatch, tmp_path / "out") == 130
    assert sorted(os.listdir(tmp_path / "out")) == ["leaderboard.csv", "student.skops"]


def test_files_of_two_runs_do_not_mix(explored, tmp_path, monkeypatch):
    assert explored(monkeypatch, tmp_path / "out", "--pickle") == 0
    interrupted(monkeypatch, "_write_student", times=2)
    assert explored(monkeypatch, tmp_path / "out", "--overwrite") == 130
    assert os.listdir(tmp_path / "out") == ["leaderboard.csv"]


def test_a_reader_that_has_gone_does_not_end_the_writing(explored, tmp_path, monkeypatch):
    reading, writing = os.pipe()
    os.close(reading)
    with open(writing, "w") as gone:
        monkeypatch.setattr(sys, "stdout", gone)
        code = explored(monkeypatch, tmp_path / "out")
    assert code == 0
    assert sorted(os.listdir(tmp_path / "out")) == WRITTEN


def test_folders_of_killed_runs_are_swept(explored, tmp_path, monkeypatch):
    (tmp_path / "out" / ".writing-killed").mkdir(parents=True)
    assert explored(monkeypatch, tmp_path / "out") == 0
    assert sorted(os.listdir(tmp_path / "out")) == WRITTEN


def test_a_full_disk_is_said(explored, tmp_path, monkeypatch, capsys):
    def full(auto, folder, given):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(_files, "_write_report", full)
    assert explored(monkeypatch, tmp_path / "out") == 1
    assert "out cannot be written to: [Errno 28] No space left" in capsys.readouterr().err
    assert sorted(os.listdir(tmp_path / "out")) == ["leaderboard.csv", "student.skops"]
