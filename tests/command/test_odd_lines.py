"""Command lines that will not do: exit code 2, one sentence, and no work has begun."""

import json
import os
import re
import zipfile

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier
from test_command import PROBA, ROLES, TABLE, TRUST

from skdistill import command
from skdistill.auto import AutoDistiller

io = pytest.importorskip("skops.io")
pytest.importorskip("pyarrow")

LONG = "x" * 5000


class BegunError(Exception):
    """The exploration has begun."""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    def fit(auto, X, y, **fit_params):
        raise BegunError

    monkeypatch.setattr(AutoDistiller, "fit", fit)
    monkeypatch.chdir(tmp_path)
    TABLE.to_csv("data.csv", index=False)
    return tmp_path


@pytest.fixture
def said(folder, capsys):
    """Runs a line that must be refused, and returns the sentence."""

    def run(*arguments, data="data.csv", out="out"):
        before = sorted(os.listdir(folder))
        try:
            code = command.main([data, "--target", "income", "--out", out, *arguments])
        except SystemExit as stop:
            code = stop.code
        printed, error = capsys.readouterr()
        assert code == 2
        assert printed == ""
        assert sorted(os.listdir(folder)) == before
        return error.strip().splitlines()[-1]

    return run


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--out", LONG), "error: --out x+ is no folder: .*File name too long"),
        (("--out", ""), "argument --out: it is empty; give a folder"),
        (("--out", "a\0b"), "error: --out .* cannot be written to"),
        (("--out", "data.csv/out"), "error: --out data.csv/out .*Not a directory"),
        (("--out", "/proc/none"), "error: --out /proc/none cannot be written to"),
        (("--seed", "-1"), r"argument --seed: -1 is not in \[0, 2\*\*32\)"),
        (("--seed", str(2**32)), "argument --seed: 4294967296 is not in"),
        (("--timeout", "nan"), "argument --timeout: nan is not above 0"),
        (("--students", "tree", "tree"), "error: --students names 'tree' twice"),
        (
            ("--selection", "oak"),
            "error: --selection: 'oak' is not a rule or .* 'tree, plain'",
        ),
        (
            ("--selection", "tree", "--students", "network"),
            "--selection: 'tree' is not a rule",
        ),
        (("--storage", ""), "error: --storage cannot keep .*storage=''"),
        (("--storage", LONG), "error: --storage cannot keep .*File name too long"),
        (("--storage", "."), "error: --storage cannot keep .*it is there and is no file"),
        (("--storage", os.devnull), "--storage cannot keep .*is no file"),
        (("--storage", "data.csv"), "--storage cannot keep .*holds something else"),
        (("--storage", "sqlite:///data.csv"), "--storage cannot keep .*not a database"),
        (("--storage", "nothing://x"), "--storage cannot keep .*Can't load plugin"),
        (("--storage", "://"), "--storage cannot keep .*Could not parse"),
        (
            ("--storage", "oracle+nodriver://u@h/d"),
            "--storage cannot keep .*Can't load plugin",
        ),
        (("--storage", "mysql+cymysql://u@h/d"), "--storage cannot keep .*cymysql"),
        (("--storage", "sqlite:////no/where.db"), "--storage cannot keep .*unable to open"),
    ],
)
def test_an_odd_option_is_refused_in_one_sentence(said, monkeypatch, arguments, sentence):
    monkeypatch.setattr("time.sleep", lambda seconds: None)  # between tries of a database
    assert re.search(sentence, said(*PROBA, *ROLES, *arguments))


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (LONG + ".csv", "cannot be read: .*File name too long"),
        ("a\0b.csv", "cannot be read: .*null"),
        ("folder.csv", "folder.csv cannot be read: .*Is a directory"),
        ("folder.parquet", "folder.parquet cannot be read|has no rows"),
        ("binary.csv", "binary.csv cannot be read: .*codec"),
        ("", "ends in ''; give a .csv or a .parquet file"),
    ],
)
def test_an_odd_table_is_refused_in_one_sentence(said, folder, data, sentence):
    (folder / "folder.csv").mkdir()
    (folder / "folder.parquet").mkdir()
    (folder / "binary.csv").write_bytes(b"\xff\xfe\x00age,income\n\xff")
    assert re.search(sentence, said(data=data))


@pytest.mark.parametrize("overwrite", [(), ("--overwrite",)])
def test_a_folder_in_the_place_of_a_file_is_refused(said, folder, overwrite):
    (folder / "out" / "report.html").mkdir(parents=True)
    assert "--out out holds folders called 'report.html'; rename" in said(*overwrite)


def skops_file(path, schema=None, **members):
    """A teacher with its schema changed, and members added or removed (None)."""
    model = DecisionTreeClassifier(max_depth=2).fit(TABLE[["branch", "w"]], TABLE["income"])
    io.dump(model, path)
    with zipfile.ZipFile(path) as file:
        content = {name: file.read(name) for name in file.namelist()}
    parsed = json.loads(content["schema.json"])
    content["schema.json"] = json.dumps((schema or (lambda one: one))(parsed)).encode()
    content |= {name.replace("__", "."): value for name, value in members.items()}
    with zipfile.ZipFile(path, "w") as file:
        for name, value in content.items():
            if value is not None:
                file.writestr(name, value)


BROKEN = {
    "empty": b"",
    "no zip": b"not a zip file",
    "pickle": b"\x80\x04N.",
    "no schema": {"schema__json": None},
    "schema cut": {"schema__json": b'{"__class__": "Dec'},
    "schema no mapping": {"schema__json": b"[1, 2]"},
    "schema null": {"schema__json": b"null"},
    "schema binary": {"schema__json": b"\xff\xfe"},
    "unknown loader": {"schema": lambda one: {**one, "__loader__": "NoNode"}},
    "unknown module": {"schema": lambda one: {**one, "__module__": "no.where"}},
    "unknown class": {"schema": lambda one: {**one, "__class__": "NoSuchTree"}},
    "no content": {"schema": lambda one: {k: v for k, v in one.items() if k != "content"}},
    "future": {"schema": lambda one: {**one, "protocol": 10**6, "content": 7}},
    "deep": {"schema__json": b'{"a":' * 100_000},
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_damaged_teacher_is_refused_in_one_sentence(said, folder, kind):
    path = folder / "teacher.skops"
    if isinstance(BROKEN[kind], bytes):
        path.write_bytes(BROKEN[kind])
    else:
        skops_file(path, **BROKEN[kind])
    sentence = said("--teacher", "teacher.skops", *TRUST, *ROLES)
    assert sentence.startswith("error: --teacher teacher.skops ")


@pytest.mark.parametrize("at", [0.1, 0.5, 0.9, 0.99])
def test_a_teacher_cut_short_is_refused_in_one_sentence(said, folder, at):
    path = folder / "teacher.skops"
    skops_file(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(at * len(whole))])
    assert "error: --teacher teacher.skops cannot be read" in said(
        "--teacher", path.name, *ROLES
    )


def test_what_is_no_classifier_is_refused_as_a_teacher(said, folder):
    for content in (None, 3, {"a": [1]}, LogisticRegression):
        io.dump(content, folder / "teacher.skops")
        assert "error: --teacher teacher.skops " in said("--teacher", "teacher.skops", *ROLES)


COLUMNS = st.sampled_from([*TABLE, "", "no such", "--", LONG])
NUMBERS = st.sampled_from(["0", "-1", "1", "2", "nan", "inf", "1e400", "x", "", "1_0"])
PATHS = st.sampled_from(
    [
        "",
        ".",
        "/",
        "out",
        "data.csv",
        os.devnull,
        "no/where",
        LONG,
        "\udcff",
        "a\nb",
        "é" * 200,
    ]
)
NAMES = st.sampled_from(
    ["tree", "logistic", "SVC", "RandomForestClassifier", "Pipeline", "", "best",
     "tree, plain", "f1", "accuracy", "neg_log_loss", "r2", "adjusted_rand_score", "teacher"]
)  # fmt: skip
OPTIONS = {
    "--group": COLUMNS, "--time-column": COLUMNS, "--weight": COLUMNS, "--drop": COLUMNS,
    "--teacher-proba": COLUMNS, "--teacher": PATHS, "--trust": NAMES, "--students": NAMES,
    "--selection": NAMES, "--scoring": NAMES, "--storage": PATHS, "--out": PATHS,
    "--trials": NUMBERS, "--timeout": NUMBERS, "--max-latency-us": NUMBERS,
    "--max-bytes": NUMBERS, "--seed": NUMBERS, "--jobs": NUMBERS, "--target": COLUMNS,
}  # fmt: skip
SEVERAL = ("--drop", "--teacher-proba", "--trust", "--students")


@st.composite
def lines(draw):
    line = [draw(st.sampled_from(["data.csv"] * 5 + ["", ".", "none.csv"]))]
    line += ["--target", "income", "--out", "out", *ROLES]
    for option in draw(st.lists(st.sampled_from(sorted(OPTIONS)), max_size=4)):
        n = draw(st.integers(1, 3)) if option in SEVERAL else 1
        line += [option, *(draw(OPTIONS[option]) for _ in range(n))]
    return line + draw(st.sampled_from([[], ["--overwrite"], ["--pickle"], ["--nonsense"]]))


@pytest.mark.filterwarnings("ignore")  # scorers of a guess warn
@settings(
    max_examples=60, deadline=None, derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)  # fmt: skip
@given(line=lines())
@example(line=["data.csv", "--target", "income", "--out", "out", *ROLES, "--scoring", "r2"])
def test_any_line_begins_or_is_refused(folder, capsys, line):
    try:
        code = command.main(line)
    except SystemExit as stop:
        code = stop.code
    except BegunError:
        code = None
    error = capsys.readouterr().err
    if code is not None:
        assert code == 2
        assert re.search("^(.*: )?error: ", error, re.MULTILINE)
    assert not (folder / "out").exists()
