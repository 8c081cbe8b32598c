"""The demo, run as its users run it: what it prints is true and runs."""

import os
import re
import subprocess
import sys

import pytest

from skdistill.__main__ import main

STUDENTS = ("tree", "logistic", "boosting")
MODELS = ["teacher", *(f"{s}, {kind}" for s in STUDENTS for kind in ("plain", "distilled"))]


def run(folder, *arguments):
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=True,
    )


@pytest.fixture(scope="module")
def printed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("main")
    done = run(folder, "-m", "skdistill", "--dataset", "breast_cancer", "--splits", "1")
    assert done.stderr == ""
    return done.stdout


@pytest.fixture(scope="module")
def table(printed):
    """Cells by model and heading."""
    rows = [re.split(r" {2,}", line.strip()) for line in printed.splitlines()]
    start = next(i for i, row in enumerate(rows) if row[0] == "log-loss")
    headings = rows[start]
    return {
        row[0]: dict(zip(headings, map(float, row[1:]), strict=True))
        for row in rows[start + 1 : start + 1 + len(MODELS)]
    }


def test_every_model_has_a_line_of_possible_values(table):
    assert list(table) == MODELS
    for line in table.values():
        assert 0 < line["log-loss"] < 5
        assert all(0.5 < line[name] <= 1 for name in ("ROC AUC", "accuracy", "agree"))
        assert 0.5 < line["obs/exp"] < 2
        assert all(line[name] > 0 for name in ("kB", "1 row us", "1000 rows us"))
    assert table["teacher"]["agree"] == 1


def test_the_teacher_is_the_strongest_and_the_students_are_smaller(table):
    teacher, tree = table["teacher"], table["tree, distilled"]
    assert teacher["log-loss"] < tree["log-loss"] < table["tree, plain"]["log-loss"]
    assert all(line["kB"] <= teacher["kB"] for line in table.values())


def test_every_student_gets_a_verdict(printed):
    for student in STUDENTS:
        assert re.search(rf"^{student}: .+\.\n    \d+ times smaller", printed, re.MULTILINE)


def test_the_lines_of_python_it_prints_give_the_number_of_the_table(printed, table, tmp_path):
    code = printed[printed.index("from sklearn") :]
    found = float(run(tmp_path, "-c", code).stdout)
    assert found == pytest.approx(table["tree, distilled"]["log-loss"], abs=6e-5)


def test_a_command_that_there_is_not_is_refused_with_those_that_there_are(capsys):
    assert main(["autoo", "data.csv"]) == 2
    said = capsys.readouterr().err
    assert "there is no command 'autoo'; python -m skdistill auto explores" in said


def test_help_names_every_option_and_the_other_command(capsys):
    with pytest.raises(SystemExit, match="0"):
        main(["--help"])
    text = capsys.readouterr().out
    for option in ("--dataset", "--splits", "--seed", "--temperature", "--alpha"):
        assert option in text
    assert "python -m skdistill auto" in " ".join(text.split())
